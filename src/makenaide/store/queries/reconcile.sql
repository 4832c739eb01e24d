-- name: lot_put
INSERT INTO lot (account_id, source, currency, quantity, cost, at)
VALUES (%(account_id)s, %(source)s, %(currency)s, %(quantity)s, %(cost)s, %(at)s);

-- name: lot_all
SELECT source, currency, quantity, cost, at FROM lot WHERE account_id = %(account_id)s ORDER BY lot_id;

-- name: lot_unposted
-- Currencies of which the lots and the person's book tell different amounts: there must be none.
SELECT currency, sum(quantity) AS quantity FROM (
    SELECT currency, quantity FROM lot WHERE account_id = %(account_id)s
    UNION ALL
    SELECT currency, -amount FROM posting WHERE account_id = %(account_id)s AND book = 'owner') AS sides
GROUP BY currency HAVING sum(quantity) <> 0 ORDER BY currency;

-- name: outside_put
INSERT INTO outside (account_id, source, order_uuid, kind, booked, volume, fee, detail, at)
VALUES (%(account_id)s, %(source)s, %(order_uuid)s, %(kind)s, %(booked)s, %(volume)s, %(fee)s, %(detail)s, %(at)s);

-- name: outside_known
SELECT source FROM outside WHERE account_id = %(account_id)s AND source = ANY(%(sources)s);

-- name: outside_of_order
SELECT source, volume, fee FROM outside WHERE account_id = %(account_id)s AND order_uuid = %(uuid)s;

-- name: foreign_seen
INSERT INTO foreign_order (account_id, uuid, seen_at) VALUES (%(account_id)s, %(uuid)s, %(at)s)
ON CONFLICT DO NOTHING;

-- name: foreign_ended
INSERT INTO foreign_end (account_id, uuid, ended_at) VALUES (%(account_id)s, %(uuid)s, %(at)s)
ON CONFLICT DO NOTHING;

-- name: foreign_open
SELECT o.uuid, o.seen_at FROM foreign_order o
WHERE o.account_id = %(account_id)s AND NOT EXISTS (
    SELECT FROM foreign_end e WHERE e.account_id = o.account_id AND e.uuid = o.uuid)
ORDER BY o.seen_at, o.uuid;

-- name: foreign_done
SELECT uuid FROM foreign_end WHERE account_id = %(account_id)s AND uuid = ANY(%(uuids)s);

-- name: look_put
INSERT INTO look (account_id, until, equal, fills)
VALUES (%(account_id)s, %(until)s, %(equal)s, (SELECT coalesce(max(chain_number), 0) FROM fill
        WHERE account_id = %(account_id)s));

-- name: look_last
SELECT until FROM look WHERE account_id = %(account_id)s ORDER BY look_id DESC LIMIT 1;

-- name: look_opening
-- When the account was opened with what it held then: what happened earlier is in its opening money.
SELECT coalesce((SELECT min(at) FROM audit WHERE account_id = %(account_id)s AND action = 'account.open'),
                (SELECT min(at) FROM posting WHERE account_id = %(account_id)s)) AS at;

-- name: look_fills
-- The number of the last fill when books and balances were last equal.
SELECT fills FROM look WHERE account_id = %(account_id)s AND equal ORDER BY look_id DESC LIMIT 1;

-- name: look_changed
-- The moment of the newest order event or fill.
SELECT greatest(
    (SELECT max(e.at) FROM order_event e JOIN orders o USING (identifier) WHERE o.account_id = %(account_id)s),
    (SELECT max(at) FROM fill WHERE account_id = %(account_id)s),
    (SELECT max(at) FROM outside WHERE account_id = %(account_id)s)) AS at;

-- name: orders_known
-- Of those identifiers the ones in the books, with their state and what was filled.
SELECT o.identifier, o.market, e.state,
       coalesce((SELECT sum(volume) FROM fill f
                 WHERE f.account_id = o.account_id AND f.identifier = o.identifier), 0) AS filled
FROM orders o
CROSS JOIN LATERAL (SELECT state FROM order_event WHERE identifier = o.identifier ORDER BY event_id DESC LIMIT 1) e
WHERE o.account_id = %(account_id)s AND o.identifier = ANY(%(identifiers)s);

-- name: orders_taken_since
-- Our orders that the venue must know.
SELECT o.identifier, o.market
FROM orders o
CROSS JOIN LATERAL (SELECT state FROM order_event WHERE identifier = o.identifier ORDER BY event_id DESC LIMIT 1) e
WHERE o.account_id = %(account_id)s AND o.leg <> 'm' AND o.created_at >= %(since)s
  AND e.state IN ('accepted', 'closed')
ORDER BY o.created_at, o.identifier;

-- name: finding_put
INSERT INTO finding (account_id, kind, subject, currency, market, evidence, opened_at)
VALUES (%(account_id)s, %(kind)s, %(subject)s, %(currency)s, %(market)s, %(evidence)s, %(at)s)
RETURNING finding_id;

-- name: finding_open
SELECT f.finding_id, f.kind, f.subject, f.currency, f.market, f.evidence, f.opened_at
FROM finding f
WHERE f.account_id = %(account_id)s AND NOT EXISTS (SELECT FROM finding_end e WHERE e.finding_id = f.finding_id)
ORDER BY f.finding_id;

-- name: finding_get
SELECT f.finding_id, f.kind, f.subject, f.currency, f.market, f.evidence, f.opened_at, e.how
FROM finding f LEFT JOIN finding_end e USING (finding_id)
WHERE f.account_id = %(account_id)s AND f.finding_id = %(finding_id)s;

-- name: finding_decided
-- The subjects of that kind about which a person has decided.
SELECT f.subject FROM finding f JOIN finding_end e USING (finding_id)
WHERE f.account_id = %(account_id)s AND f.kind = %(kind)s AND f.subject = ANY(%(subjects)s) AND e.how <> 'explained';

-- name: finding_balances
-- What persons decided of differing balances: the amount, up to when the balance told it, and whether a transfer was met
-- with it since.
SELECT f.finding_id, f.subject, (f.evidence ->> 'difference')::numeric AS amount,
       (e.detail ->> 'until')::timestamptz AS until,
       EXISTS (SELECT FROM outside o WHERE o.account_id = f.account_id AND NOT o.booked
               AND o.detail ->> 'finding' = f.finding_id::text) AS met
FROM finding f JOIN finding_end e USING (finding_id)
WHERE f.account_id = %(account_id)s AND f.kind = 'books_differ' AND e.how <> 'explained'
  AND e.detail ->> 'until' IS NOT NULL
ORDER BY f.finding_id;

-- name: finding_end_put
INSERT INTO finding_end (finding_id, ended_at, actor, how, note, detail)
VALUES (%(finding_id)s, %(at)s, %(actor)s, %(how)s, %(note)s, %(detail)s);
