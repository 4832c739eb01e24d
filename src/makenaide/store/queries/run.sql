-- name: run_open
INSERT INTO run (account_id, slot, status, started_at) VALUES (%(account_id)s, %(slot)s, 'running', %(at)s)
ON CONFLICT (account_id, slot) DO NOTHING;

-- name: run_missed
INSERT INTO run (account_id, slot, status, started_at, finished_at)
VALUES (%(account_id)s, %(slot)s, 'missed', %(at)s, %(at)s) ON CONFLICT DO NOTHING;

-- name: run_get
SELECT run_id, slot, status, started_at, finished_at FROM run
WHERE account_id = %(account_id)s AND slot = %(slot)s;

-- name: run_finish
UPDATE run SET status = 'done', finished_at = %(at)s WHERE run_id = %(run_id)s;

-- name: run_latest
SELECT run_id, slot, status, started_at, finished_at FROM run
WHERE account_id = %(account_id)s ORDER BY slot DESC LIMIT 1;

-- name: run_counts
SELECT status, count(*) AS many FROM run WHERE account_id = %(account_id)s GROUP BY status ORDER BY status;

-- name: step_done
INSERT INTO run_step (run_id, step, done_at, detail) VALUES (%(run_id)s, %(step)s, %(at)s, %(detail)s);

-- name: step_all
SELECT step, done_at, detail FROM run_step WHERE run_id = %(run_id)s;

-- name: step_latest
-- The newest checkpoint of one step, whichever slot it was in.
SELECT run.slot, run_step.done_at, run_step.detail FROM run_step JOIN run USING (run_id)
WHERE run.account_id = %(account_id)s AND run_step.step = %(step)s ORDER BY run.slot DESC LIMIT 1;

-- name: decision_put
INSERT INTO decision (run_id, account_id, slot, market, refusal, evidence)
VALUES (%(run_id)s, %(account_id)s, %(slot)s, %(market)s, %(refusal)s, %(evidence)s);

-- name: decision_of_run
SELECT decision_id, market, refusal, evidence FROM decision WHERE run_id = %(run_id)s ORDER BY market;

-- name: decision_get
SELECT decision_id, run_id, slot, market, refusal, evidence FROM decision WHERE decision_id = %(decision_id)s;

-- name: decision_counts
SELECT refusal, count(*) AS many FROM decision
WHERE account_id = %(account_id)s AND refusal IS NOT NULL GROUP BY refusal ORDER BY refusal;

-- name: decision_signals
-- The markets that had broken out and were refused all the same, newest last.
SELECT slot, market, refusal, evidence FROM decision
WHERE account_id = %(account_id)s AND refusal = ANY(%(kinds)s) ORDER BY slot, market;

-- name: gate_put
INSERT INTO gate (account_id, slot, open, reason, evidence)
VALUES (%(account_id)s, %(slot)s, %(open)s, %(reason)s, %(evidence)s);

-- name: gate_latest
SELECT slot, open, reason, evidence FROM gate
WHERE account_id = %(account_id)s AND slot <= %(slot)s ORDER BY slot DESC LIMIT 1;

-- name: gate_days
SELECT open, count(*) AS many FROM gate WHERE account_id = %(account_id)s GROUP BY open;

-- name: equity_put
INSERT INTO equity (account_id, slot, valued_at, equity, cash, flow, bitcoin, marks)
VALUES (%(account_id)s, %(slot)s, %(valued_at)s, %(equity)s, %(cash)s, %(flow)s, %(bitcoin)s, %(marks)s);

-- name: equity_all
SELECT slot, valued_at, equity, cash, flow, bitcoin FROM equity WHERE account_id = %(account_id)s ORDER BY slot;

-- name: equity_latest
SELECT slot, valued_at, equity, cash, flow, bitcoin, marks FROM equity
WHERE account_id = %(account_id)s ORDER BY slot DESC LIMIT 1;

-- name: audit_put
INSERT INTO audit (account_id, at, actor, action, detail)
VALUES (%(account_id)s, %(at)s, %(actor)s, %(action)s, %(detail)s);

-- name: audit_of
SELECT at, actor, action, detail FROM audit
WHERE account_id = %(account_id)s AND action LIKE %(action)s ORDER BY audit_id;

-- name: run_times
SELECT slot, started_at, finished_at FROM run WHERE account_id = %(account_id)s AND status <> 'missed' ORDER BY slot;
