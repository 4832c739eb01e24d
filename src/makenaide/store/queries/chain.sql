-- name: chain_flaws
SELECT chain, number, flaw FROM chain_flaws(%(account_id)s);

-- name: chain_heads
SELECT chain, number, hash FROM chain_head WHERE account_id = %(account_id)s ORDER BY chain;

-- name: chain_at
SELECT chain_at(%(chain)s, %(account_id)s, %(number)s) AS hash;

-- name: rounding_fills
-- By currency, the fills (trades of the venue) that no rounding and no equal comparison has answered for; won last.
WITH answered AS (
    SELECT greatest(%(since)s::bigint, coalesce(max(split_part(source, ':', 2)::bigint), 0)) AS number FROM posting
    WHERE account_id = %(account_id)s AND book = 'rounding'
), fresh AS (
    SELECT DISTINCT trade_uuid, split_part(market, '-', 2) AS coin, split_part(market, '-', 1) AS won
    FROM fill, answered WHERE account_id = %(account_id)s AND chain_number > answered.number
)
SELECT coin AS currency, count(*) AS many FROM fresh GROUP BY coin
UNION ALL SELECT won, count(*) FROM fresh GROUP BY won;

-- name: rounding_upto
SELECT coalesce(max(chain_number), 0) AS number FROM fill WHERE account_id = %(account_id)s;

-- name: rounding_booked
SELECT currency, sum(abs(amount)) AS amount FROM posting
WHERE account_id = %(account_id)s AND book = 'rounding' AND at >= %(since)s AND at < %(until)s
GROUP BY currency ORDER BY currency;
