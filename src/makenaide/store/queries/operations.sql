-- name: checklist_put
-- Nothing comes back when the slot's list was taken already.
INSERT INTO checklist (account_id, name, slot, taken_at, verdict)
VALUES (%(account_id)s, %(checklist)s, %(slot)s, %(taken_at)s, %(verdict)s)
ON CONFLICT (account_id, name, slot) DO NOTHING RETURNING checklist_id;

-- name: checklist_of_slot
SELECT checklist_id, taken_at, verdict FROM checklist
WHERE account_id = %(account_id)s AND name = %(checklist)s AND slot = %(slot)s;

-- name: checklist_before
-- The newest list of a name taken before a moment: yesterday's, as seen from today.
SELECT checklist_id, slot, taken_at, verdict FROM checklist
WHERE account_id = %(account_id)s AND name = %(checklist)s AND taken_at < %(before)s
ORDER BY taken_at DESC, checklist_id DESC LIMIT 1;

-- name: checklist_scheduled_before
SELECT checklist_id, slot, taken_at, verdict FROM checklist
WHERE account_id = %(account_id)s AND name = %(checklist)s AND taken_at < %(before)s AND slot IS NOT NULL
ORDER BY taken_at DESC, checklist_id DESC LIMIT 1;

-- name: evidence_checked
INSERT INTO evidence (kind, subject, verdict, detail, taken_at, valid_until, checklist_id)
VALUES (%(kind)s, %(subject)s, %(verdict)s, %(detail)s, %(taken_at)s, %(valid_until)s, %(checklist_id)s);

-- name: evidence_of_checklist
SELECT kind, subject, verdict, detail, taken_at, valid_until FROM evidence
WHERE checklist_id = %(checklist_id)s ORDER BY evidence_id;

-- name: evidence_latest
-- What was written last of each kind about one subject: a clock that was set back must not let an older look speak.
SELECT e.kind, e.subject, e.verdict, e.detail, e.taken_at, e.valid_until FROM unnest(%(kinds)s::text[]) AS asked (kind)
CROSS JOIN LATERAL (SELECT * FROM evidence WHERE kind = asked.kind AND subject = %(subject)s
                    ORDER BY evidence_id DESC LIMIT 1) e
ORDER BY e.kind;

-- name: evidence_against
-- The kinds of which a bad finding was taken since a moment, whenever it was written down.
SELECT DISTINCT kind FROM evidence
WHERE subject = %(subject)s AND kind = ANY(%(kinds)s) AND verdict IN ('UNKNOWN', 'FAIL')
  AND taken_at > %(since)s AND taken_at <= %(now)s;

-- name: acknowledgement_put
INSERT INTO acknowledgement (account_id, check_id, until, actor, note, at, said)
VALUES (%(account_id)s, %(check_id)s, %(until)s, %(actor)s, %(note)s, %(at)s, %(said)s);

-- name: acknowledgement_all
-- The newest word about each check.
SELECT DISTINCT ON (check_id) check_id, until, actor, note, at, said FROM acknowledgement
WHERE account_id = %(account_id)s ORDER BY check_id, acknowledgement_id DESC;

-- name: job_claim
-- The slot is ours if nobody had it, or if whoever had it let its lease run out; nothing comes back otherwise.
INSERT INTO job (account_id, name, slot, holder, fence, claimed_at, expires_at)
VALUES (%(account_id)s, %(job)s, %(slot)s, %(holder)s, 1, %(now)s, %(expires_at)s)
ON CONFLICT (account_id, name, slot) DO UPDATE
SET holder = excluded.holder, fence = job.fence + 1, claimed_at = excluded.claimed_at, expires_at = excluded.expires_at
WHERE job.finished_at IS NULL AND job.expires_at <= excluded.claimed_at
RETURNING fence;

-- name: job_extend
UPDATE job SET expires_at = %(expires_at)s
WHERE account_id = %(account_id)s AND name = %(job)s AND slot = %(slot)s AND fence = %(fence)s
  AND finished_at IS NULL;

-- name: job_finish
UPDATE job SET finished_at = %(now)s, outcome = %(outcome)s, detail = %(detail)s
WHERE account_id = %(account_id)s AND name = %(job)s AND slot = %(slot)s AND fence = %(fence)s
  AND finished_at IS NULL;

-- name: job_latest
-- The newest slot of each job that anybody took.
SELECT DISTINCT ON (name) name, slot, holder, fence, claimed_at, expires_at, finished_at, outcome, detail FROM job
WHERE account_id = %(account_id)s ORDER BY name, slot DESC;

-- name: job_since
SELECT name, slot, holder, fence, claimed_at, expires_at, finished_at, outcome, detail FROM job
WHERE account_id = %(account_id)s AND slot >= %(since)s ORDER BY slot, name;

-- name: measure_put
-- All samples in one statement: a cycle leaves some twenty.
INSERT INTO measure (account_id, name, label, at, count, failures, total, largest, classes)
SELECT %(account_id)s, s.name, s.label, s.at, s.count, s.failures, s.total, s.largest, s.classes
FROM jsonb_to_recordset(%(samples)s) AS s (name text, label text, at timestamptz, count bigint, failures bigint,
                                           total float8, largest float8, classes jsonb);

-- name: measure_since
SELECT name, label, at, count, failures, total, largest, classes FROM measure
WHERE account_id = %(account_id)s AND name = %(measure)s AND at > %(since)s AND at <= %(until)s ORDER BY at, label;

-- name: measure_names
-- When each measure was taken last.
SELECT name, max(at) AS at FROM measure WHERE account_id = %(account_id)s GROUP BY name ORDER BY name;

-- name: outbox_put
-- Nothing comes back when a message of that key is there already.
INSERT INTO outbox (key, account_id, at, urgency, title, body, detail)
VALUES (%(key)s, %(account_id)s, %(at)s, %(urgency)s, %(title)s, %(body)s, %(detail)s)
ON CONFLICT (key) DO NOTHING RETURNING message_id;

-- name: outbox_due
-- Messages that a channel has not come to an end with, oldest first; how often it tried, and when last.
SELECT o.message_id, o.key, o.account_id, o.at, o.urgency, o.title, o.body, o.detail, t.tries, t.tried_at
FROM outbox o CROSS JOIN LATERAL (
    SELECT count(*) AS tries, max(d.at) AS tried_at FROM delivery d
    WHERE d.message_id = o.message_id AND d.channel = %(channel)s) t
WHERE o.put_at > %(since)s AND NOT EXISTS (SELECT FROM delivery d WHERE d.message_id = o.message_id
                                           AND d.channel = %(channel)s AND d.outcome <> 'failed')
ORDER BY o.message_id LIMIT %(many)s;

-- name: outbox_give_up
-- What is too old for a channel is given up, all at once.
INSERT INTO delivery (message_id, channel, at, outcome, detail)
SELECT o.message_id, %(channel)s, %(at)s, 'given up', %(detail)s FROM outbox o
WHERE o.put_at <= %(since)s AND NOT EXISTS (SELECT FROM delivery d WHERE d.message_id = o.message_id
                                            AND d.channel = %(channel)s AND d.outcome <> 'failed')
ON CONFLICT DO NOTHING;

-- name: channel_lock
-- One deliverer a channel: a lock of the session, which ends with it.
SELECT pg_try_advisory_lock(hashtextextended(current_schema() || ' channel ' || %(channel)s, 0)) AS taken;

-- name: channel_unlock
SELECT pg_advisory_unlock(hashtextextended(current_schema() || ' channel ' || %(channel)s, 0)) AS released;

-- name: outbox_of
SELECT message_id, key, account_id, at, urgency, title, body, detail FROM outbox WHERE key = %(key)s;

-- name: delivery_put
INSERT INTO delivery (message_id, channel, at, outcome, detail)
VALUES (%(message_id)s, %(channel)s, %(at)s, %(outcome)s, %(detail)s) ON CONFLICT DO NOTHING;

-- name: delivery_of
SELECT channel, at, outcome, detail FROM delivery WHERE message_id = %(message_id)s ORDER BY delivery_id;

-- name: announcement_put
INSERT INTO announcement (uuid, listed_at, category, title, body, url, heard_at)
VALUES (%(uuid)s, %(listed_at)s, %(category)s, %(title)s, %(body)s, %(url)s, %(heard_at)s) ON CONFLICT DO NOTHING;

-- name: announcement_since
SELECT uuid, listed_at, category, title, body, url, heard_at FROM announcement
WHERE listed_at >= %(since)s AND category = ANY(%(categories)s) ORDER BY listed_at, uuid;

-- name: announcement_newest
SELECT max(heard_at) AS at FROM announcement;
