-- The first schema. Schema-agnostic: every name is unqualified and lands in the search path's first schema,
-- so that paper and live accounts can live in schemas of their own.
-- Append-only tables: decision, orders, order_event, fill, posting, stop, equity, audit. A trigger refuses
-- UPDATE and DELETE there for everybody, the owner included (P3).

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- One paper (or live) account: what it trades on, and the configuration it was opened with.
CREATE TABLE account (
    account_id   text PRIMARY KEY CHECK (account_id ~ '^[0-9a-f]{12}$'),
    venue        text NOT NULL CHECK (venue IN ('simulator', 'replay', 'upbit')),
    mode         text NOT NULL CHECK (mode IN ('paper', 'live')),
    feed         text NOT NULL,
    installation text NOT NULL CHECK (installation ~ '^[0-9a-f]{4}$'),
    identity     jsonb NOT NULL,
    settings     jsonb NOT NULL,
    first_slot   timestamptz,
    last_slot    timestamptz,
    opened_at    timestamptz NOT NULL DEFAULT now(),
    used_at      timestamptz NOT NULL DEFAULT now()
);

-- Who may write for an account now, taken before the account is opened. `fence` only rises; a holder with an old
-- number is refused.
CREATE TABLE lease (
    account_id text PRIMARY KEY,
    fence      bigint NOT NULL,
    holder     text NOT NULL,
    taken_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE listing (
    feed         text NOT NULL,
    market       text NOT NULL,
    korean_name  text NOT NULL,
    english_name text NOT NULL,
    warning      boolean NOT NULL,
    first_seen   timestamptz NOT NULL,
    last_seen    timestamptz NOT NULL,
    gone_at      timestamptz,
    PRIMARY KEY (feed, market)
);

CREATE TABLE candle (
    feed     text NOT NULL,
    market   text NOT NULL,
    minutes  integer NOT NULL CHECK (minutes > 0),
    start    timestamptz NOT NULL,
    open     numeric NOT NULL CHECK (open > 0),
    high     numeric NOT NULL,
    low      numeric NOT NULL CHECK (low > 0),
    close    numeric NOT NULL CHECK (close > 0),
    volume   numeric NOT NULL CHECK (volume >= 0),
    turnover numeric NOT NULL CHECK (turnover >= 0),
    PRIMARY KEY (feed, market, minutes, start),
    CHECK (low <= open AND open <= high AND low <= close AND close <= high)
);

-- One row a scheduled slot (M7).
CREATE TABLE run (
    run_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   text NOT NULL REFERENCES account,
    slot         timestamptz NOT NULL,
    status       text NOT NULL CHECK (status IN ('running', 'done', 'missed')),
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    UNIQUE (account_id, slot)
);

CREATE TABLE run_step (
    run_id  bigint NOT NULL REFERENCES run,
    step    text NOT NULL,
    done_at timestamptz NOT NULL,
    detail  jsonb NOT NULL,
    PRIMARY KEY (run_id, step)
);

-- One row a market a slot: the refusal (or none: a buy), and every input behind it.
CREATE TABLE decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      bigint NOT NULL REFERENCES run,
    account_id  text NOT NULL REFERENCES account,
    slot        timestamptz NOT NULL,
    market      text NOT NULL,
    refusal     text,
    evidence    jsonb NOT NULL,
    UNIQUE (run_id, market)
);
CREATE INDEX decision_refusal ON decision (account_id, refusal);

CREATE TABLE gate (
    account_id text NOT NULL REFERENCES account,
    slot       timestamptz NOT NULL,
    open       boolean NOT NULL,
    reason     text NOT NULL,
    evidence   jsonb NOT NULL,
    PRIMARY KEY (account_id, slot)
);

-- The committed intent: what was (or will be) sent, word for word. Its life is in order_event.
CREATE TABLE orders (
    identifier    text PRIMARY KEY,
    account_id    text NOT NULL REFERENCES account,
    position_id   text NOT NULL,
    decision_id   bigint REFERENCES decision,
    leg           text NOT NULL CHECK (leg IN ('e', 'x')),
    number        integer NOT NULL CHECK (number > 0),
    reason        text NOT NULL,
    market        text NOT NULL,
    side          text NOT NULL CHECK (side IN ('bid', 'ask')),
    type          text NOT NULL,
    price         numeric,
    volume        numeric,
    total         numeric,
    time_in_force text,
    evidence      jsonb NOT NULL,
    created_at    timestamptz NOT NULL,
    UNIQUE (account_id, position_id, leg, number)
);

CREATE TABLE order_event (
    event_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identifier text NOT NULL REFERENCES orders,
    at         timestamptz NOT NULL,
    event      text NOT NULL,
    state      text NOT NULL CHECK (state IN
        ('planned', 'sent', 'unknown', 'accepted', 'closed', 'rejected', 'void')),
    doubt      boolean NOT NULL,
    uuid       text,
    detail     jsonb NOT NULL
);
CREATE INDEX order_event_of ON order_event (identifier, event_id DESC);

-- A trade of the venue, posted exactly once: the key is the venue's own.
CREATE TABLE fill (
    account_id  text NOT NULL REFERENCES account,
    trade_uuid  text NOT NULL,
    identifier  text NOT NULL REFERENCES orders,
    position_id text NOT NULL,
    market      text NOT NULL,
    side        text NOT NULL CHECK (side IN ('bid', 'ask')),
    price       numeric NOT NULL CHECK (price > 0),
    volume      numeric NOT NULL CHECK (volume > 0),
    funds       numeric NOT NULL CHECK (funds >= 0),
    fee         numeric NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (account_id, trade_uuid)
);
CREATE INDEX fill_position ON fill (account_id, position_id);

-- Double entry: the postings of one source sum to zero in every currency, checked at commit.
CREATE TABLE posting (
    posting_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    source     text NOT NULL,
    book       text NOT NULL,
    currency   text NOT NULL,
    amount     numeric NOT NULL CHECK (amount <> 0),
    at         timestamptz NOT NULL,
    UNIQUE (account_id, source, book, currency)
);

CREATE FUNCTION require_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rest numeric;
BEGIN
    SELECT sum(amount) INTO rest FROM posting
    WHERE account_id = NEW.account_id AND source = NEW.source AND currency = NEW.currency;
    IF rest <> 0 THEN
        RAISE EXCEPTION 'postings of % do not sum to zero in %: %', NEW.source, NEW.currency, rest
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER posting_balanced AFTER INSERT ON posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_balanced();

-- A stop only ever rises: each row is a rise (or the first).
CREATE TABLE stop (
    account_id  text NOT NULL REFERENCES account,
    position_id text NOT NULL,
    number      integer NOT NULL CHECK (number > 0),
    at          timestamptz NOT NULL,
    price       numeric NOT NULL CHECK (price > 0),
    kind        text NOT NULL,
    high_water  numeric NOT NULL CHECK (high_water > 0),
    PRIMARY KEY (account_id, position_id, number)
);

CREATE FUNCTION require_rising() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM stop WHERE account_id = NEW.account_id AND position_id = NEW.position_id
               AND (price > NEW.price OR high_water > NEW.high_water OR number >= NEW.number)) THEN
        RAISE EXCEPTION 'the stop of % may only rise', NEW.position_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER stop_rises BEFORE INSERT ON stop FOR EACH ROW EXECUTE FUNCTION require_rising();

CREATE TABLE equity (
    account_id text NOT NULL REFERENCES account,
    slot       timestamptz NOT NULL,
    valued_at  timestamptz NOT NULL,
    equity     numeric NOT NULL,
    cash       numeric NOT NULL,
    flow       numeric NOT NULL,
    bitcoin    numeric,
    marks      jsonb NOT NULL,
    PRIMARY KEY (account_id, slot)
);

CREATE TABLE audit (
    audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text REFERENCES account,
    at         timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL,
    action     text NOT NULL,
    detail     jsonb NOT NULL
);
CREATE INDEX audit_action ON audit (account_id, action);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['decision', 'gate', 'orders', 'order_event', 'fill', 'posting', 'stop',
                                'equity', 'audit', 'run_step'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO makenaide_writer, makenaide_reader', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO makenaide_writer, makenaide_reader', current_schema());
END $$;

GRANT INSERT ON account, lease, listing, candle, run, run_step, decision, gate, orders, order_event, fill, posting,
    stop, equity, audit TO makenaide_writer;
GRANT UPDATE ON account, lease, listing, run TO makenaide_writer;
