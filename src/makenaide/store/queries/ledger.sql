-- name: fill_put
INSERT INTO fill (account_id, trade_uuid, identifier, position_id, market, side, price, volume, funds, fee, at)
VALUES (%(account_id)s, %(trade_uuid)s, %(identifier)s, %(position_id)s, %(market)s, %(side)s, %(price)s, %(volume)s,
        %(funds)s, %(fee)s, %(at)s);

-- name: fill_of_order
SELECT trade_uuid, identifier, position_id, market, side, price, volume, funds, fee, at FROM fill
WHERE account_id = %(account_id)s AND identifier = %(identifier)s ORDER BY at, trade_uuid;

-- name: fill_shares
SELECT position_id, sum(volume) AS volume FROM fill
WHERE account_id = %(account_id)s AND identifier = %(identifier)s GROUP BY position_id ORDER BY position_id;

-- name: fill_all
-- By position, what was bought before what was sold: a position is entered once and then only left, and the stamps of
-- a takeover (ours) and of a sale (the venue's, to the second) cannot be compared. Then as they happened.
SELECT f.trade_uuid, f.identifier, f.position_id, f.market, f.side, f.price, f.volume, f.funds, f.fee, f.at, o.reason
FROM fill f JOIN order_now o USING (identifier)
WHERE f.account_id = %(account_id)s ORDER BY f.position_id, f.side = 'ask', f.at, o.leg, o.number, f.trade_uuid;

-- name: fill_open
-- Every fill of the positions that still hold something.
SELECT f.trade_uuid, f.identifier, f.position_id, f.market, f.side, f.price, f.volume, f.funds, f.fee, f.at, o.reason
FROM fill f JOIN order_now o USING (identifier)
WHERE f.account_id = %(account_id)s AND f.position_id IN (
    SELECT position_id FROM fill WHERE account_id = %(account_id)s GROUP BY position_id
    HAVING sum(CASE side WHEN 'bid' THEN volume ELSE -volume END) > 0)
ORDER BY f.position_id, f.side = 'ask', f.at, o.leg, o.number, f.trade_uuid;

-- name: fill_held
-- What a position still holds.
SELECT coalesce(sum(CASE side WHEN 'bid' THEN volume ELSE -volume END), 0) AS held FROM fill
WHERE account_id = %(account_id)s AND position_id = %(position_id)s;

-- name: fill_entries
-- Every position ever entered, with its frozen entry evidence.
SELECT DISTINCT ON (o.position_id) o.position_id, o.market, o.created_at, o.decision_id, o.evidence
FROM orders o JOIN fill f USING (identifier)
WHERE o.account_id = %(account_id)s AND o.side = 'bid' ORDER BY o.position_id, o.number;

-- name: stop_exits
-- When a stop last sold in each market, and every time since `since`.
SELECT o.market, max(f.at) AS at FROM fill f JOIN order_now o USING (identifier)
WHERE f.account_id = %(account_id)s AND o.reason IN ('hard_stop', 'trailing_stop') AND f.at >= %(since)s
GROUP BY o.market, o.identifier ORDER BY at;

-- name: posting_put
INSERT INTO posting (account_id, source, book, currency, amount, at)
VALUES (%(account_id)s, %(source)s, %(book)s, %(currency)s, %(amount)s, %(at)s);

-- name: posting_sums
SELECT currency, sum(amount) AS amount FROM posting
WHERE account_id = %(account_id)s AND book IN ('assets', 'owner') GROUP BY currency ORDER BY currency;

-- name: posting_fees
SELECT coalesce(sum(amount), 0) AS amount FROM posting WHERE account_id = %(account_id)s AND book = 'fees';

-- name: posting_of
SELECT source, book, currency, amount, at FROM posting
WHERE account_id = %(account_id)s AND source = ANY(%(sources)s) ORDER BY posting_id;

-- name: posting_flows
-- What the owner brought (above zero) or took, coins taken over by the system at their worth included.
SELECT at, -amount AS amount FROM posting
WHERE account_id = %(account_id)s AND book = 'capital' AND currency = 'KRW' ORDER BY posting_id;

-- name: posting_unbalanced
SELECT source, currency, sum(amount) AS amount FROM posting WHERE account_id = %(account_id)s
GROUP BY source, currency HAVING sum(amount) <> 0;

-- name: fill_unposted
SELECT f.trade_uuid FROM fill f
WHERE f.account_id = %(account_id)s AND NOT EXISTS (
    SELECT FROM posting p WHERE p.account_id = f.account_id AND p.source = f.trade_uuid);

-- name: position_unguarded
-- Positions that hold something and have no stop: there must be none.
SELECT position_id FROM fill f WHERE account_id = %(account_id)s GROUP BY account_id, position_id
HAVING sum(CASE side WHEN 'bid' THEN volume ELSE -volume END) > 0
   AND NOT EXISTS (SELECT FROM stop s WHERE s.account_id = f.account_id AND s.position_id = f.position_id);

-- name: dust_put
INSERT INTO dust (account_id, position_id, at, quantity, bid)
VALUES (%(account_id)s, %(position_id)s, %(at)s, %(quantity)s, %(bid)s) ON CONFLICT DO NOTHING;

-- name: dust_all
SELECT position_id, at, quantity, bid FROM dust WHERE account_id = %(account_id)s ORDER BY at, position_id;

-- name: position_oversold
SELECT position_id FROM fill WHERE account_id = %(account_id)s GROUP BY position_id
HAVING sum(CASE side WHEN 'bid' THEN volume ELSE -volume END) < 0;

-- name: stop_put
INSERT INTO stop (account_id, position_id, number, at, price, kind, high_water)
VALUES (%(account_id)s, %(position_id)s,
        (SELECT coalesce(max(number), 0) + 1 FROM stop
         WHERE account_id = %(account_id)s AND position_id = %(position_id)s),
        %(at)s, %(price)s, %(kind)s, %(high_water)s);

-- name: stop_latest
SELECT DISTINCT ON (position_id) position_id, at, price, kind, high_water FROM stop
WHERE account_id = %(account_id)s AND position_id = ANY(%(positions)s) ORDER BY position_id, number DESC;

-- name: stop_history
SELECT at, price, kind, high_water FROM stop
WHERE account_id = %(account_id)s AND position_id = %(position_id)s ORDER BY number;
