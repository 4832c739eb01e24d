-- name: vitals_ping
SELECT 1 AS one;

-- name: vitals_clock
SELECT clock_timestamp() AS now;

-- name: vitals_about
-- Sessions are counted by database: the list of sessions itself hides the kind of those of others.
SELECT current_setting('server_version') AS server,
       (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database) AS used,
       current_setting('max_connections')::int AS most,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
       coalesce(inet_client_addr() <<= inet '127.0.0.0/8' OR inet_client_addr() = inet '::1'
                OR host(inet_client_addr()) = host(inet_server_addr()), true) AS local;

-- name: freshness_markets
-- Every listed market with the newest day candle that starts at `until` or before: one probe of the key a market.
SELECT l.market, l.first_seen, l.last_seen, c.start AS newest
FROM listing l
LEFT JOIN LATERAL (SELECT start FROM candle
                   WHERE feed = l.feed AND market = l.market AND minutes = 1440 AND start <= %(until)s
                   ORDER BY start DESC LIMIT 1) c ON true
WHERE l.feed = %(feed)s AND l.gone_at IS NULL ORDER BY l.market;

-- name: continuity_runs
SELECT slot, status, started_at, finished_at FROM run WHERE account_id = %(account_id)s ORDER BY slot;

-- name: continuity_orphans
-- Slots that left something behind but have no run.
SELECT slot FROM equity WHERE account_id = %(account_id)s
UNION SELECT slot FROM gate WHERE account_id = %(account_id)s
EXCEPT SELECT slot FROM run WHERE account_id = %(account_id)s
ORDER BY slot;

-- name: continuity_numbers
-- Numbers that are missing among the orders of a position, by leg.
SELECT s.position_id, s.leg, n AS number
FROM (SELECT position_id, leg, max(number) AS last FROM orders WHERE account_id = %(account_id)s
      GROUP BY position_id, leg HAVING max(number) <> count(*)) s
CROSS JOIN LATERAL generate_series(1, s.last) n
WHERE NOT EXISTS (SELECT FROM orders o WHERE o.account_id = %(account_id)s AND o.position_id = s.position_id
                  AND o.leg = s.leg AND o.number = n)
ORDER BY s.position_id, s.leg, n;

-- name: continuity_eventless
-- Orders whose own commit is not among their events.
SELECT identifier FROM orders o
WHERE account_id = %(account_id)s
  AND NOT EXISTS (SELECT FROM order_event e WHERE e.identifier = o.identifier AND e.event = 'Committed')
ORDER BY identifier;

-- name: continuity_trades
-- Orders of ours whose events tell of another number of trades than the books hold.
WITH told AS (
    SELECT identifier, sum((detail ->> 'fills')::int) AS many FROM order_event
    WHERE account_id = %(account_id)s AND detail ? 'fills' GROUP BY identifier
), booked AS (
    SELECT identifier, count(DISTINCT trade_uuid) AS many FROM fill
    WHERE account_id = %(account_id)s GROUP BY identifier
)
SELECT o.identifier, coalesce(t.many, 0) AS told, coalesce(b.many, 0) AS booked
FROM orders o LEFT JOIN told t USING (identifier) LEFT JOIN booked b USING (identifier)
WHERE o.account_id = %(account_id)s AND o.leg <> 'm' AND coalesce(t.many, 0) <> coalesce(b.many, 0)
ORDER BY o.identifier;

-- name: continuity_impossible
-- Orders with trades that by their state cannot have any.
SELECT o.identifier, e.state FROM orders o
CROSS JOIN LATERAL (SELECT state FROM order_event WHERE identifier = o.identifier ORDER BY event_id DESC LIMIT 1) e
WHERE o.account_id = %(account_id)s AND e.state NOT IN ('accepted', 'closed')
  AND EXISTS (SELECT FROM fill f WHERE f.account_id = o.account_id AND f.identifier = o.identifier)
ORDER BY o.identifier;

-- name: continuity_filless
-- Trades that are in the journal but not among the fills.
SELECT DISTINCT p.source FROM posting p
WHERE p.account_id = %(account_id)s AND p.book = 'trading'
  AND NOT EXISTS (SELECT FROM fill f WHERE f.account_id = p.account_id AND f.trade_uuid = p.source)
ORDER BY p.source;

-- name: continuity_counts
SELECT (SELECT count(*) FROM orders WHERE account_id = %(account_id)s) AS orders,
       (SELECT count(*) FROM fill WHERE account_id = %(account_id)s) AS fills;

-- name: continuity_traded
-- Orders of ours that were made or filled since a moment: their state and what the books hold of them.
SELECT o.identifier, o.market, e.state, coalesce(f.filled, 0) AS filled, coalesce(f.trades, ARRAY[]::text[]) AS trades
FROM orders o
CROSS JOIN LATERAL (SELECT state FROM order_event WHERE identifier = o.identifier ORDER BY event_id DESC LIMIT 1) e
LEFT JOIN LATERAL (SELECT sum(volume) AS filled, array_agg(DISTINCT trade_uuid) AS trades, max(at) AS at FROM fill
                   WHERE identifier = o.identifier AND account_id = o.account_id) f ON true
WHERE o.account_id = %(account_id)s AND o.leg <> 'm' AND (o.created_at >= %(since)s OR f.at >= %(since)s)
ORDER BY o.created_at, o.identifier;
