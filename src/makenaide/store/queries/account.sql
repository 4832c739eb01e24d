-- name: account_open
INSERT INTO account (account_id, venue, mode, feed, installation, identity, settings, first_slot, last_slot)
VALUES (%(account_id)s, %(venue)s, %(mode)s, %(feed)s, %(installation)s, %(identity)s, %(settings)s,
        %(first_slot)s, %(last_slot)s)
ON CONFLICT (account_id) DO UPDATE SET used_at = now();

-- name: account_get
SELECT account_id, venue, mode, feed, installation, identity, settings, first_slot, last_slot
FROM account WHERE account_id = %(account_id)s;

-- name: account_latest
SELECT account_id, venue, mode, feed, installation, identity, settings, first_slot, last_slot
FROM account ORDER BY used_at DESC, account_id LIMIT 1;

-- name: account_lock
SELECT pg_try_advisory_lock(hashtextextended(current_schema() || %(account_id)s, 0)) AS taken;

-- name: account_unlock
SELECT pg_advisory_unlock(hashtextextended(current_schema() || %(account_id)s, 0)) AS released;

-- name: lease_take
INSERT INTO lease (account_id, fence, holder) VALUES (%(account_id)s, 1, %(holder)s)
ON CONFLICT (account_id) DO UPDATE SET fence = lease.fence + 1, holder = excluded.holder, taken_at = now()
RETURNING fence;

-- name: lease_holder
SELECT fence, holder, taken_at FROM lease WHERE account_id = %(account_id)s;

-- name: lease_check
SELECT fence FROM lease WHERE account_id = %(account_id)s FOR SHARE;

-- name: account_all
SELECT account_id FROM account ORDER BY opened_at, account_id;

-- name: account_locked
-- Whether a session holds the account's lock: the two halves of the 64-bit key stand in classid and objid.
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND ((classid::bigint << 32) | objid::bigint) = hashtextextended(current_schema() || %(account_id)s, 0)
) AS locked;
