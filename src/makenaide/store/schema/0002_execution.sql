-- Execution: who sends an order, what became of its identifier, dust, and how far the guard's journal is read.

ALTER TABLE orders ADD COLUMN sender text NOT NULL DEFAULT 'trader' CHECK (sender IN ('trader', 'guard', 'person'));

-- `spent`: the venue has said that the identifier is used.
ALTER TABLE order_event ADD COLUMN spent boolean NOT NULL DEFAULT false;

-- A sale that takes the dust of an earlier position along is split between the two: one trade, two fills.
ALTER TABLE fill DROP CONSTRAINT fill_pkey;
ALTER TABLE fill ADD PRIMARY KEY (account_id, trade_uuid, position_id);
CREATE INDEX fill_of_order ON fill (identifier);

-- A rest too small to sell: no stop, no slot, sold with the market's next exit.
CREATE TABLE dust (
    account_id  text NOT NULL REFERENCES account,
    position_id text NOT NULL,
    at          timestamptz NOT NULL,
    quantity    numeric NOT NULL CHECK (quantity > 0),
    bid         numeric NOT NULL CHECK (bid > 0),
    PRIMARY KEY (account_id, position_id)
);

-- The last entry of the guard's journal that is in the books.
CREATE TABLE guard_import (
    account_id text PRIMARY KEY REFERENCES account,
    sequence   bigint NOT NULL CHECK (sequence >= 0),
    at         timestamptz NOT NULL
);

-- An order as it stands: its last state; what another process of ours asked for under the same identifier, when
-- that came first; the bid that spends the identifier, when it was burnt.
CREATE VIEW order_now AS
SELECT o.identifier, o.account_id, o.position_id, o.decision_id, o.leg, o.number, coalesce(t.reason, o.reason) AS reason,
       o.market, o.side, o.type, o.price, coalesce(t.volume, o.volume) AS volume, o.total, o.time_in_force,
       CASE WHEN t.with_dust IS NULL THEN o.evidence
            ELSE o.evidence || jsonb_build_object('with_dust', t.with_dust) END AS evidence,
       o.created_at, coalesce(t.sender, o.sender) AS sender, e.state, e.doubt, e.uuid, e.spent,
       b.price AS burn_price, b.volume AS burn_volume
FROM orders o
CROSS JOIN LATERAL (SELECT state, doubt, uuid, spent FROM order_event WHERE identifier = o.identifier
                    ORDER BY event_id DESC LIMIT 1) e
LEFT JOIN LATERAL (SELECT detail ->> 'sender' AS sender, (detail ->> 'volume')::numeric AS volume,
                          detail ->> 'reason' AS reason, detail -> 'with_dust' AS with_dust
                   FROM order_event WHERE identifier = o.identifier AND event = 'Overtaken'
                   ORDER BY event_id DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT (detail ->> 'price')::numeric AS price, (detail ->> 'volume')::numeric AS volume
                   FROM order_event WHERE identifier = o.identifier AND event = 'Burning'
                   ORDER BY event_id DESC LIMIT 1) b ON true;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON dust FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON dust FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON dust, guard_import, order_now TO makenaide_writer, makenaide_reader;
GRANT INSERT ON dust, guard_import TO makenaide_writer;
GRANT UPDATE ON guard_import TO makenaide_writer;
