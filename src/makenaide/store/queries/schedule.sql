-- name: account_opened
SELECT opened_at FROM account WHERE account_id = %(account_id)s;

-- name: job_done_by
-- The newest slot of each job that is done with, among those up to a moment: a clock that ran ahead counts for nothing.
SELECT name, max(slot) AS slot FROM job
WHERE account_id = %(account_id)s AND slot <= %(now)s AND finished_at IS NOT NULL GROUP BY name ORDER BY name;

-- name: job_open
-- Slots that somebody took and nobody finished, oldest first.
SELECT name, slot, holder, fence, claimed_at, expires_at, finished_at, outcome, detail FROM job
WHERE account_id = %(account_id)s AND finished_at IS NULL ORDER BY slot, name;

-- name: run_finished_by
-- The newest slot up to a moment whose run is over.
SELECT max(slot) AS slot FROM run
WHERE account_id = %(account_id)s AND slot <= %(now)s AND status = 'done';
