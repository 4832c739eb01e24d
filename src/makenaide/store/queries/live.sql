-- name: schema_mode
SELECT mode FROM schema_mode;

-- name: evidence_put
INSERT INTO evidence (kind, subject, verdict, detail, taken_at, valid_until)
VALUES (%(kind)s, %(subject)s, %(verdict)s, %(detail)s, %(taken_at)s, %(valid_until)s);

-- name: evidence_of
-- Newest first.
SELECT kind, subject, verdict, detail, taken_at, valid_until FROM evidence
WHERE kind = %(kind)s AND subject = %(subject)s ORDER BY taken_at DESC, evidence_id DESC LIMIT %(many)s;

-- name: evidence_newest
SELECT kind, subject, verdict, detail, taken_at, valid_until FROM evidence
WHERE kind = %(kind)s ORDER BY taken_at DESC, evidence_id DESC LIMIT 1;

-- name: audit_installation
-- The newest entry of a family that concerns the whole installation; not one that was noted after newer ones.
SELECT at, actor, action, detail FROM audit
WHERE account_id IS NULL AND action LIKE %(action)s AND NOT coalesce(detail ? 'late', false) ORDER BY audit_id DESC LIMIT 1;

-- name: budget_lock
-- Two entries of one account are weighed one after the other.
SELECT account_id FROM account WHERE account_id = %(account_id)s FOR NO KEY UPDATE;

-- name: budget_entries
-- The entries that were committed since `since`, and older ones to which something can still happen.
SELECT o.identifier, o.created_at, o.price, o.volume, o.total, e.state,
       coalesce((SELECT sum(f.funds + f.fee) FROM fill f
                 WHERE f.account_id = o.account_id AND f.identifier = o.identifier), 0) AS spent
FROM orders o
CROSS JOIN LATERAL (SELECT state FROM order_event WHERE identifier = o.identifier ORDER BY event_id DESC LIMIT 1) e
WHERE o.account_id = %(account_id)s AND o.leg = 'e'
  AND (o.created_at >= %(since)s OR e.state IN ('planned', 'sent', 'unknown', 'accepted'))
ORDER BY o.created_at, o.identifier;
