-- name: candle_put
-- A closed candle is final: the first word stands.
INSERT INTO candle (feed, market, minutes, start, open, high, low, close, volume, turnover)
VALUES (%(feed)s, %(market)s, %(minutes)s, %(start)s, %(open)s, %(high)s, %(low)s, %(close)s, %(volume)s,
        %(turnover)s)
ON CONFLICT DO NOTHING;

-- name: candle_series
-- One row a market; arrays ascending in time; days as days since 1970-01-01.
SELECT market,
       array_agg((extract(epoch FROM start) / 86400)::int ORDER BY start) AS days,
       array_agg(open::float8 ORDER BY start) AS open,
       array_agg(high::float8 ORDER BY start) AS high,
       array_agg(low::float8 ORDER BY start) AS low,
       array_agg(close::float8 ORDER BY start) AS close,
       array_agg(volume::float8 ORDER BY start) AS volume,
       array_agg(turnover::float8 ORDER BY start) AS turnover
FROM candle
WHERE feed = %(feed)s AND minutes = 1440 AND start > %(after)s AND start < %(before)s
GROUP BY market ORDER BY market;

-- name: candle_last
SELECT market, start, open, high, low, close, volume, turnover FROM candle
WHERE feed = %(feed)s AND market = %(market)s AND minutes = 1440 AND start < %(before)s
ORDER BY start DESC LIMIT %(many)s;

-- name: candle_count
SELECT count(*) AS many, count(DISTINCT market) AS markets, min(start) AS oldest, max(start) AS newest
FROM candle WHERE feed = %(feed)s;

-- name: listing_put
INSERT INTO listing (feed, market, korean_name, english_name, warning, first_seen, last_seen)
VALUES (%(feed)s, %(market)s, %(korean_name)s, %(english_name)s, %(warning)s, %(at)s, %(at)s)
ON CONFLICT (feed, market) DO UPDATE SET korean_name = excluded.korean_name, english_name = excluded.english_name,
    warning = excluded.warning, last_seen = excluded.last_seen, gone_at = NULL;

-- name: listing_gone
UPDATE listing SET gone_at = %(at)s WHERE feed = %(feed)s AND market = ANY(%(markets)s) AND gone_at IS NULL;

-- name: listing_all
SELECT market, korean_name, english_name, warning, first_seen, last_seen, gone_at
FROM listing WHERE feed = %(feed)s ORDER BY market;
