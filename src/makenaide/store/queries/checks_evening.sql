-- name: check_hard_stops
-- The hard stop that each position was entered with: the last of its kind, for the first one lies below the best ask
-- and rises to the fill's own at once.
SELECT DISTINCT ON (position_id) position_id, price FROM stop
WHERE account_id = %(account_id)s AND kind = 'hard_stop' AND position_id = ANY(%(positions)s)
ORDER BY position_id, number DESC;

-- name: check_bought
-- What was bought from a moment on until another, by entry, with the evidence of its decision.
SELECT o.position_id, o.market, sum(f.funds) AS funds, sum(f.volume) AS volume, o.evidence
FROM fill f JOIN orders o USING (identifier)
WHERE f.account_id = %(account_id)s AND f.side = 'bid' AND f.at >= %(since)s AND f.at < %(until)s
GROUP BY o.identifier, o.position_id, o.market, o.evidence ORDER BY o.position_id, o.identifier;
