-- name: backup_snapshot
-- A name under which another session sees what this transaction sees.
SELECT pg_export_snapshot() AS name;

-- name: backup_tables
SELECT c.relname AS name FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY 1;

-- name: backup_schema
-- Nothing where there is no such schema; how many tables it has, and whether one of them is that of accounts.
SELECT count(c.oid) AS tables, coalesce(bool_or(c.relname = 'account'), false) AS ours
FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
WHERE n.nspname = %(schema)s GROUP BY n.oid;

-- name: backup_accounts
SELECT count(*) AS many FROM account;

-- name: backup_version
SELECT coalesce(max(version), 0) AS version FROM migration;

-- name: backup_balances
SELECT account_id, book, currency, sum(amount) AS amount FROM posting
GROUP BY account_id, book, currency ORDER BY account_id, book, currency;

-- name: backup_heads
SELECT account_id, chain, number, hash FROM chain_head ORDER BY account_id, chain;
