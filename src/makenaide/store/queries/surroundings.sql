-- name: run_finished
-- The newest run that came to its end.
SELECT slot, finished_at FROM run
WHERE account_id = %(account_id)s AND status = 'done' ORDER BY slot DESC LIMIT 1;

-- name: world_now
-- The newest moment that the books of an account know of.
SELECT greatest(
    (SELECT max(greatest(started_at, finished_at)) FROM run WHERE account_id = %(account_id)s),
    (SELECT max(valued_at) FROM equity WHERE account_id = %(account_id)s),
    (SELECT max(at) FROM fill WHERE account_id = %(account_id)s)
) AS at;

-- name: audit_lines
-- What the audit trail says of an account and of the installation since a moment, oldest first; the newest `many`.
SELECT at, actor, action, detail FROM (
    SELECT audit_id, at, actor, action, detail FROM audit
    WHERE (account_id = %(account_id)s OR account_id IS NULL) AND at >= %(since)s
    ORDER BY audit_id DESC LIMIT %(many)s
) newest ORDER BY audit_id;
