-- name: orders_commit
INSERT INTO orders (identifier, account_id, position_id, decision_id, leg, number, reason, market, side, type, price,
                    volume, total, time_in_force, evidence, created_at, sender)
VALUES (%(identifier)s, %(account_id)s, %(position_id)s, %(decision_id)s, %(leg)s, %(number)s, %(reason)s, %(market)s,
        %(side)s, %(type)s, %(price)s, %(volume)s, %(total)s, %(time_in_force)s, %(evidence)s, %(created_at)s, %(sender)s);

-- name: order_event_put
INSERT INTO order_event (identifier, at, event, state, doubt, uuid, spent, detail)
VALUES (%(identifier)s, %(at)s, %(event)s, %(state)s, %(doubt)s, %(uuid)s, %(spent)s, %(detail)s);

-- name: orders_get
SELECT * FROM order_now
WHERE identifier = %(identifier)s;

-- name: orders_find
-- By our identifier, by the venue's id, or by the position: then its entry in the account opened last.
SELECT o.identifier FROM orders o JOIN account a USING (account_id)
WHERE o.identifier = %(key)s OR (o.position_id = %(key)s AND o.side = 'bid')
   OR EXISTS (SELECT FROM order_event e WHERE e.identifier = o.identifier AND e.uuid = %(key)s)
ORDER BY a.opened_at DESC, o.number LIMIT 1;

-- name: orders_unsettled
SELECT * FROM order_now
WHERE account_id = %(account_id)s AND state IN ('planned', 'sent', 'unknown', 'accepted')
ORDER BY created_at, identifier;

-- name: orders_last_number
SELECT coalesce(max(number), 0) AS number FROM orders
WHERE account_id = %(account_id)s AND position_id = %(position_id)s AND leg = %(leg)s;

-- name: orders_of_position
SELECT * FROM order_now
WHERE account_id = %(account_id)s AND position_id = %(position_id)s
ORDER BY created_at, identifier;

-- name: order_events
SELECT at, event, state, doubt, uuid, detail FROM order_event WHERE identifier = %(identifier)s ORDER BY event_id;

-- name: orders_turns
-- What happened to every order, but for the looks in vain, which turn nothing.
SELECT identifier, at, event, state FROM order_event
WHERE account_id = %(account_id)s AND event <> 'Absent' ORDER BY identifier, event_id;

-- name: orders_standing
-- How long the last send is ago, and how often the venue has been asked in vain since.
SELECT max(at) FILTER (WHERE event IN ('Sending', 'Burning')) AS sent_at,
       count(*) FILTER (WHERE event = 'Absent' AND event_id > coalesce(
           (SELECT max(event_id) FROM order_event
            WHERE identifier = %(identifier)s AND event IN ('Sending', 'Burning')), 0)) AS looks
FROM order_event WHERE identifier = %(identifier)s;

-- name: orders_unfilled
-- Entries that are at their end without a trade.
SELECT o.identifier, o.market, o.state FROM order_now o
WHERE o.account_id = %(account_id)s AND o.leg = 'e' AND o.state IN ('closed', 'rejected', 'void')
  AND NOT EXISTS (SELECT FROM fill f WHERE f.account_id = o.account_id AND f.identifier = o.identifier)
ORDER BY o.created_at, o.identifier;
