-- Reconciling: a person's coins beside ours, what happened at the venue without us, what nobody can explain, and
-- what a person wishes. All append-only.

-- A sale in the app of coins that were ours is an order row of leg 'm' ("manual"), without an identifier at the venue.
ALTER TABLE orders DROP CONSTRAINT orders_leg_check;
ALTER TABLE orders ADD CONSTRAINT orders_leg_check CHECK (leg IN ('e', 'x', 'm'));

-- Coins of the person (not of the system): each change, with its cost in won where it is known.
CREATE TABLE lot (
    lot_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    source     text NOT NULL,
    currency   text NOT NULL CHECK (currency <> 'KRW'),
    quantity   numeric NOT NULL CHECK (quantity <> 0),
    cost       numeric,
    at         timestamptz NOT NULL,
    UNIQUE (account_id, source, currency)
);

-- A transfer or a trade that was not our doing and has been dealt with: booked, or (booked false) laid aside because
-- it happened before the account was opened, or because a person decided about it.
CREATE TABLE outside (
    account_id text NOT NULL REFERENCES account,
    source     text NOT NULL,
    order_uuid text,
    kind       text NOT NULL,
    booked     boolean NOT NULL,
    volume     numeric,
    fee        numeric,
    detail     jsonb NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (account_id, source)
);
CREATE INDEX outside_order ON outside (account_id, order_uuid);

-- An order at the venue that is not ours, seen before its end, and its end once all of it has been dealt with.
CREATE TABLE foreign_order (
    account_id text NOT NULL REFERENCES account,
    uuid       text NOT NULL,
    seen_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, uuid)
);
CREATE TABLE foreign_end (
    account_id text NOT NULL REFERENCES account,
    uuid       text NOT NULL,
    ended_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, uuid)
);

-- How far the venue's history has been looked through, and whether books and balances were equal then.
CREATE TABLE look (
    look_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    until      timestamptz NOT NULL,
    equal      boolean NOT NULL,
    fills      bigint NOT NULL
);
CREATE INDEX look_of ON look (account_id, look_id DESC);

-- What nobody can explain: it closes its market (or the account, when it is about won) until it has an end.
CREATE TABLE finding (
    finding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    kind       text NOT NULL CHECK (kind IN
        ('books_differ', 'order_unknown', 'order_missing', 'order_differs', 'unexplained')),
    subject    text NOT NULL,
    currency   text,
    market     text,
    evidence   jsonb NOT NULL,
    opened_at  timestamptz NOT NULL
);
CREATE INDEX finding_of ON finding (account_id, kind, subject);

CREATE TABLE finding_end (
    finding_id bigint PRIMARY KEY REFERENCES finding,
    ended_at   timestamptz NOT NULL,
    actor      text NOT NULL,
    how        text NOT NULL CHECK (how IN
        ('explained', 'deposit', 'withdrawal', 'manual', 'airdrop', 'adjustment')),
    note       text NOT NULL,
    detail     jsonb NOT NULL
);

-- A market in which a person wants no buys (paused), or wants them again: the newest row speaks.
CREATE TABLE pause (
    pause_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    market     text NOT NULL,
    paused     boolean NOT NULL,
    actor      text NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX pause_of ON pause (account_id, market, pause_id DESC);

-- What a person asks of whoever holds the account's lease.
CREATE TABLE wish (
    wish_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    kind       text NOT NULL CHECK (kind IN ('sell', 'adopt')),
    market     text NOT NULL,
    detail     jsonb NOT NULL,
    actor      text NOT NULL,
    wished_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE wish_end (
    wish_id  bigint PRIMARY KEY REFERENCES wish,
    ended_at timestamptz NOT NULL,
    done     boolean NOT NULL,
    outcome  jsonb NOT NULL
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['lot', 'outside', 'foreign_order', 'foreign_end', 'look', 'finding', 'finding_end',
                                'pause', 'wish', 'wish_end'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('GRANT SELECT ON %I TO makenaide_writer, makenaide_reader', name);
        EXECUTE format('GRANT INSERT ON %I TO makenaide_writer', name);
    END LOOP;
END $$;
