-- name: audit_trail
-- One timeline of the installation and an account (of every account: null): audit rows, what happened to each order,
-- stops that were set and that rose, jobs at their end. The newest `many` (null: all), ascending.
SELECT at, account_id, actor, action, detail, chain, number FROM (
    SELECT at, account_id, actor, action, detail, chain, number FROM (
        SELECT at, account_id, actor, action, detail, 'audit' AS chain, chain_number AS number FROM audit
        UNION ALL
        SELECT e.at, e.account_id, o.sender,
               'order.' || lower(regexp_replace(e.event, '([a-z])([A-Z])', '\1_\2', 'g')),
               jsonb_strip_nulls(jsonb_build_object(
                   'order', e.identifier, 'market', o.market, 'side', o.side, 'state', e.state, 'uuid', e.uuid,
                   'price', o.price::text, 'volume', o.volume::text, 'total', o.total::text, 'reason', o.reason))
               || e.detail,
               'order_event', e.chain_number
        FROM order_event e JOIN orders o USING (identifier)
        UNION ALL
        SELECT at, account_id, 'trader', CASE number WHEN 1 THEN 'stop.set' ELSE 'stop.rise' END,
               jsonb_build_object('position', position_id, 'price', price::text, 'kind', kind), 'stop', chain_number
        FROM stop
        UNION ALL
        SELECT finished_at, nullif(account_id, ''), 'schedule', 'job.' || outcome,
               jsonb_build_object('job', name, 'slot', slot, 'holder', holder) || detail, NULL, NULL
        FROM job WHERE finished_at IS NOT NULL
    ) every
    WHERE (%(account_id)s::text IS NULL OR account_id IS NULL OR account_id = %(account_id)s)
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
      AND (%(actor)s::text IS NULL OR lower(actor) = lower(%(actor)s)
           OR lower(%(actor)s) = ANY (string_to_array(lower(actor), ' ')))
      AND (%(action)s::text IS NULL OR action = %(action)s OR starts_with(action, %(action)s || '.'))
    ORDER BY at DESC, chain DESC NULLS LAST, number DESC, action DESC LIMIT %(many)s::bigint
) newest
ORDER BY at, chain NULLS FIRST, number, action;

-- name: audit_lock
-- The lock of the chain that the next audit row belongs to: what is read now is still the newest when it is written.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.chain.' || coalesce(%(account_id)s::text, ''), 1));

-- name: audit_configuration
-- What was noted last of the configuration.
SELECT at, action, detail FROM audit
WHERE account_id IS NOT DISTINCT FROM %(account_id)s::text AND action IN ('config.first', 'config.change')
ORDER BY audit_id DESC LIMIT 1;

-- name: audit_kept
-- Whether what was kept under this name while there was no database is in the trail.
SELECT audit_id FROM audit WHERE detail ->> 'kept' = %(kept)s LIMIT 1;

-- name: audit_owners
-- Whose chains there are: every account, and the installation.
SELECT account_id FROM (SELECT '' AS account_id UNION SELECT account_id FROM account) known ORDER BY account_id;

-- name: audit_chains
-- The tables whose rows are chained.
SELECT c.relname AS chain FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attname = 'chain_hash' AND NOT a.attisdropped AND c.relkind = 'r'
  AND c.relnamespace = current_schema()::regnamespace ORDER BY 1;

-- name: audit_told
-- The newest message of each account that carried the heads of its chains away.
SELECT DISTINCT ON (account_id) account_id, key, at, detail -> 'heads' AS heads FROM outbox
WHERE jsonb_typeof(detail -> 'heads') = 'object' ORDER BY account_id, message_id DESC;
