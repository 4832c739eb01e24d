-- name: backup_snapshot
-- A name under which another session sees what this transaction sees.
SELECT pg_export_snapshot() AS name;

-- name: backup_tables
SELECT c.relname AS name FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY 1;

-- name: backup_version
SELECT coalesce(max(version), 0) AS version FROM migration;

-- name: backup_balances
SELECT account_id, book, currency, sum(amount) AS amount FROM posting
GROUP BY account_id, book, currency ORDER BY account_id, book, currency;

-- name: backup_heads
SELECT account_id, chain, number, hash FROM chain_head ORDER BY account_id, chain;
