-- Paper and live rows live in two schemas, and neither takes the other's (issue 4, live mode).

-- Which kind of money the rows of this schema are about: one row, written once, by the schema's own name. A dump that
-- is restored under another name keeps it.
CREATE TABLE schema_mode (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mode     text NOT NULL UNIQUE CHECK (mode IN ('paper', 'live'))
);
INSERT INTO schema_mode (mode)
VALUES (CASE WHEN current_schema() = 'live' OR right(current_schema(), 5) = '_live' THEN 'live' ELSE 'paper' END);

ALTER TABLE account ADD CONSTRAINT account_of_this_mode FOREIGN KEY (mode) REFERENCES schema_mode (mode);

-- What was found out, about what (a hash of it), and for how long it counts. Append-only.
CREATE TABLE evidence (
    evidence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind ~ '^[a-z_]+$'),
    subject     text NOT NULL CHECK (subject ~ '^[0-9a-f]{64}$'),
    verdict     text NOT NULL CHECK (verdict IN ('PASS', 'WARN', 'FAIL', 'UNKNOWN')),
    detail      jsonb NOT NULL,
    taken_at    timestamptz NOT NULL,
    valid_until timestamptz CHECK (valid_until > taken_at),
    written_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX evidence_newest ON evidence (kind, subject, taken_at DESC);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['schema_mode', 'evidence'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

GRANT SELECT ON schema_mode, evidence TO makenaide_writer, makenaide_reader;
GRANT INSERT ON evidence TO makenaide_writer;
