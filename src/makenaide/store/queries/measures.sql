-- name: measure_fills
-- How many fills there were after a moment (null: ever) up to another.
SELECT count(*) AS many FROM fill
WHERE account_id = %(account_id)s AND at > coalesce(%(since)s::timestamptz, '-infinity') AND at <= %(until)s;

-- name: measure_database
SELECT pg_database_size(current_database()) AS bytes;
