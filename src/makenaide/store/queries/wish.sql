-- name: wish_put
INSERT INTO wish (account_id, kind, market, detail, actor)
VALUES (%(account_id)s, %(kind)s, %(market)s, %(detail)s, %(actor)s) RETURNING wish_id;

-- name: wish_open
SELECT w.wish_id, w.kind, w.market, w.detail, w.actor, w.wished_at, now() - w.wished_at AS age FROM wish w
WHERE w.account_id = %(account_id)s AND NOT EXISTS (SELECT FROM wish_end e WHERE e.wish_id = w.wish_id)
ORDER BY w.wish_id;

-- name: wish_outcome
SELECT done, outcome FROM wish_end WHERE wish_id = %(wish_id)s;

-- name: wish_end_put
INSERT INTO wish_end (wish_id, ended_at, done, outcome) VALUES (%(wish_id)s, %(at)s, %(done)s, %(outcome)s);

-- name: pause_put
INSERT INTO pause (account_id, market, paused, actor, at)
VALUES (%(account_id)s, %(market)s, %(paused)s, %(actor)s, %(at)s);

-- name: pause_now
SELECT market FROM (
    SELECT DISTINCT ON (market) market, paused FROM pause
    WHERE account_id = %(account_id)s ORDER BY market, pause_id DESC) AS newest
WHERE paused ORDER BY market;
