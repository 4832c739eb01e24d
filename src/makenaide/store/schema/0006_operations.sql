-- Operating (issue 5): checks with evidence, jobs of the schedule, measures, messages, announcements; the audit trail
-- becomes a chain.

-- A verdict more, and kinds with digits (m6, e3): each check is a kind of evidence, about an account (by hash).
ALTER TABLE evidence DROP CONSTRAINT evidence_verdict_check;
ALTER TABLE evidence ADD CONSTRAINT evidence_verdict_check
    CHECK (verdict IN ('PASS', 'N/A', 'WARN', 'UNKNOWN', 'FAIL'));
ALTER TABLE evidence DROP CONSTRAINT evidence_kind_check;
ALTER TABLE evidence ADD CONSTRAINT evidence_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]*$');

-- One run of a list of checks. `slot` is the scheduled moment; null when a person asked.
CREATE TABLE checklist (
    checklist_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   text NOT NULL,
    name         text NOT NULL,
    slot         timestamptz,
    taken_at     timestamptz NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN ('PASS', 'N/A', 'WARN', 'UNKNOWN', 'FAIL')),
    UNIQUE (account_id, name, slot)
);
CREATE INDEX checklist_newest ON checklist (account_id, name, taken_at DESC);
ALTER TABLE evidence ADD COLUMN checklist_id bigint REFERENCES checklist;
CREATE INDEX evidence_of_checklist ON evidence (checklist_id) WHERE checklist_id IS NOT NULL;
CREATE INDEX evidence_last ON evidence (kind, subject, evidence_id DESC);

-- A WARN that a person has seen: folded until its date (KST) has passed. The newest row of a check speaks. `said` is
-- what that WARN found: another one of the same check is not folded.
CREATE TABLE acknowledgement (
    acknowledgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id         text NOT NULL,
    check_id           text NOT NULL,
    until              date NOT NULL,
    actor              text NOT NULL,
    note               text NOT NULL,
    at                 timestamptz NOT NULL,
    said               text NOT NULL
);

-- One row a scheduled slot of a job: whoever inserts it, or finds its lease run out, does it. `fence` only rises.
CREATE TABLE job (
    account_id  text NOT NULL,
    name        text NOT NULL,
    slot        timestamptz NOT NULL,
    holder      text NOT NULL,
    fence       integer NOT NULL CHECK (fence > 0),
    claimed_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('done', 'failed', 'missed')),
    detail      jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (account_id, name, slot),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
);

CREATE FUNCTION job_only_advances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.fence < OLD.fence OR OLD.finished_at IS NOT NULL
       OR (NEW.account_id, NEW.name, NEW.slot) <> (OLD.account_id, OLD.name, OLD.slot) THEN
        RAISE EXCEPTION 'job % of % is finished or held by another', OLD.name, OLD.slot
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_advances BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_only_advances();
CREATE TRIGGER append_only BEFORE DELETE ON job FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON job FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was measured over a while that ended at `at`: how many, their sum and the largest, and how many in each class
-- of the histogram (see monitoring.measures). `label` tells endpoints, workers, jobs apart.
CREATE TABLE measure (
    measure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL,
    name       text NOT NULL,
    label      text NOT NULL,
    at         timestamptz NOT NULL,
    count      bigint NOT NULL CHECK (count >= 0),
    failures   bigint NOT NULL DEFAULT 0 CHECK (failures >= 0),
    total      double precision NOT NULL,
    largest    double precision NOT NULL,
    classes    jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX measure_of ON measure (account_id, name, at DESC);

-- Messages to people: written with what they tell of, delivered after the commit. One key, one message. `at` is the
-- moment that it tells of (that of a simulated account may be any), `put_at` when it was written, on the wall clock.
CREATE TABLE outbox (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        text NOT NULL UNIQUE,
    account_id text NOT NULL,
    at         timestamptz NOT NULL,
    urgency    text NOT NULL CHECK (urgency IN ('info', 'warning', 'page')),
    title      text NOT NULL,
    body       text NOT NULL,
    detail     jsonb NOT NULL,
    put_at     timestamptz NOT NULL DEFAULT now()
);
-- Every try of a channel, and its end: "done", or "given up" (too old, or refused for good). "failed" is tried again.
CREATE TABLE delivery (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id  bigint NOT NULL REFERENCES outbox,
    channel     text NOT NULL,
    at          timestamptz NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('done', 'failed', 'given up')),
    detail      text NOT NULL
);
CREATE UNIQUE INDEX delivery_once ON delivery (message_id, channel) WHERE outcome <> 'failed';
CREATE INDEX delivery_of ON delivery (message_id, channel);

-- What the exchange announced, as it came: hostile text included.
CREATE TABLE announcement (
    uuid      text NOT NULL,
    listed_at timestamptz NOT NULL,
    category  text NOT NULL,
    title     text NOT NULL,
    body      text,
    url       text,
    heard_at  timestamptz NOT NULL,
    PRIMARY KEY (uuid, listed_at)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['checklist', 'acknowledgement', 'measure', 'outbox', 'delivery', 'announcement'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('GRANT SELECT ON %I TO makenaide_writer, makenaide_reader', name);
        EXECUTE format('GRANT INSERT ON %I TO makenaide_writer', name);
    END LOOP;
END $$;
GRANT SELECT ON job TO makenaide_writer, makenaide_reader;
GRANT INSERT, UPDATE ON job TO makenaide_writer;

CALL chain_start('audit', 'audit_id');
