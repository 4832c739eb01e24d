-- name: guard_imported
SELECT sequence, at FROM guard_import WHERE account_id = %(account_id)s;

-- name: guard_import_put
INSERT INTO guard_import (account_id, sequence, at) VALUES (%(account_id)s, %(sequence)s, %(at)s)
ON CONFLICT (account_id) DO UPDATE SET sequence = excluded.sequence, at = excluded.at
WHERE guard_import.sequence <= excluded.sequence;

-- name: guard_exits
-- Every exit of those positions: whether it is at its end, and what is booked of it, for the position and for dust.
SELECT o.position_id, o.number, o.state IN ('closed', 'rejected', 'void') AS ended,
       coalesce(sum(f.volume) FILTER (WHERE f.position_id = o.position_id), 0) AS own,
       coalesce(sum(f.volume) FILTER (WHERE f.position_id <> o.position_id), 0) AS along
FROM order_now o LEFT JOIN fill f ON f.identifier = o.identifier AND f.account_id = o.account_id
WHERE o.account_id = %(account_id)s AND o.leg = 'x' AND o.position_id = ANY(%(positions)s)
GROUP BY o.position_id, o.number, o.state ORDER BY o.position_id, o.number;
