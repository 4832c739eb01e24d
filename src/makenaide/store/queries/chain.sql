-- name: chain_flaws
SELECT chain, number, flaw FROM chain_flaws(%(account_id)s);

-- name: chain_heads
SELECT chain, number, hash FROM chain_head WHERE account_id = %(account_id)s ORDER BY chain;

-- name: chain_at
SELECT chain_at(%(chain)s, %(account_id)s, %(number)s) AS hash;
