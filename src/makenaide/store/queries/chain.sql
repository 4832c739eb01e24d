-- name: chain_flaws
SELECT chain, number, flaw FROM chain_flaws(%(account_id)s);

-- name: chain_heads
SELECT chain, number, hash FROM chain_head WHERE account_id = %(account_id)s ORDER BY chain;

-- name: chain_at
SELECT chain_at(%(chain)s, %(account_id)s, %(number)s) AS hash;

-- name: rounding_fills
-- By currency, the fills (trades of the venue) that no rounding of that currency and no equal comparison has answered
-- for; won last.
WITH answered AS (
    SELECT currency, max(split_part(source, ':', 2)::bigint) AS number FROM posting
    WHERE account_id = %(account_id)s AND book = 'rounding' AND source LIKE 'rounding:%%' GROUP BY currency
), fresh AS (
    SELECT f.trade_uuid, f.chain_number, side.currency FROM fill f
    CROSS JOIN LATERAL (VALUES (split_part(f.market, '-', 2)), (split_part(f.market, '-', 1))) AS side (currency)
    WHERE f.account_id = %(account_id)s AND f.chain_number > %(since)s::bigint
)
SELECT fresh.currency, count(DISTINCT fresh.trade_uuid) AS many FROM fresh LEFT JOIN answered USING (currency)
WHERE fresh.chain_number > coalesce(answered.number, 0)
GROUP BY fresh.currency ORDER BY fresh.currency = 'KRW', fresh.currency;

-- name: rounding_upto
SELECT coalesce(max(chain_number), 0) AS number FROM fill WHERE account_id = %(account_id)s;

-- name: rounding_booked
SELECT currency, sum(abs(amount)) AS amount FROM posting
WHERE account_id = %(account_id)s AND book = 'rounding' AND at >= %(since)s AND at < %(until)s
GROUP BY currency ORDER BY currency;
