-- A hash chain over the journal: every row carries the next number of its account in its table, and a hash over the
-- hash before and its own content. A row that is altered, missing, slipped in, or cut off at the end shows.
--
-- The previous link is read from the table itself under a transaction lock, not kept in a head row that each insert
-- updates: rolled back and conflicting inserts leave no gap, several rows of one statement see each other, and one
-- large transaction does not pile up versions of one row. The lock is one an account, not one a table, so that two
-- writers can't wait for each other crosswise; a reader in an old snapshot would meet the unique index, and fail.
--
-- A column that is added to a chained table later must be nullable and without a default: nulls are left out of the
-- hash, so that older rows keep theirs.

-- The newest link of each chain, remembered apart from it once a transaction: this shows an end that was cut off.
CREATE TABLE chain_head (
    chain      text NOT NULL,
    account_id text NOT NULL,
    number     bigint NOT NULL CHECK (number > 0),
    hash       bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (chain, account_id)
);

CREATE FUNCTION chain_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <= OLD.number OR (NEW.chain, NEW.account_id) <> (OLD.chain, OLD.account_id) THEN
        RAISE EXCEPTION 'the chain % of % only grows', OLD.chain, OLD.account_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER only_grows BEFORE UPDATE ON chain_head FOR EACH ROW EXECUTE FUNCTION chain_only_grows();
CREATE TRIGGER append_only BEFORE DELETE ON chain_head FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON chain_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a chain begins with, so that no two tables share a first link.
CREATE FUNCTION chain_root(chain text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to('makenaide chain ' || chain, 'UTF8'))
$$;

-- The canonical text of a row is its jsonb: keys in a fixed order, numbers digit by digit, times in UTC (the callers
-- set the zone), without the hash itself and without top-level nulls.
CREATE FUNCTION chain_hash(previous bytea, entry jsonb) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(previous || convert_to(
        (SELECT jsonb_object_agg(key, value) FROM jsonb_each(entry - 'chain_hash') WHERE value <> 'null')::text, 'UTF8'))
$$;

-- At commit: the first row's call remembers the last link of all, the others find it done.
CREATE FUNCTION chain_remember() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner text := coalesce(NEW.account_id, '');
    known bigint;
BEGIN
    SELECT number INTO known FROM chain_head WHERE chain = TG_TABLE_NAME AND account_id = owner;
    IF known >= NEW.chain_number THEN
        RETURN NULL;
    END IF;
    EXECUTE format('INSERT INTO chain_head (chain, account_id, number, hash)
                    SELECT $1, $2, chain_number, chain_hash FROM %I.%I WHERE coalesce(account_id, '''') = $2
                    ORDER BY chain_number DESC LIMIT 1
                    ON CONFLICT (chain, account_id) DO UPDATE SET number = excluded.number, hash = excluded.hash',
                   TG_TABLE_SCHEMA, TG_TABLE_NAME) USING TG_TABLE_NAME::text, owner;
    RETURN NULL;
END $$;

-- Makes an append-only table with an account_id and an id that ascends a chain, its present rows included.
-- The trigger's name puts it after all others: it must see the row as it will stand.
CREATE PROCEDURE chain_start(chained text, ascending text) LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    place tid;
    owner text;
    owner_before text;
    link bigint;
    linked bytea;
BEGIN
    EXECUTE format('ALTER TABLE %I ADD COLUMN chain_number bigint, ADD COLUMN chain_hash bytea', chained);
    EXECUTE format('ALTER TABLE %I DISABLE TRIGGER append_only', chained);
    FOR place, owner IN EXECUTE format('SELECT ctid, coalesce(account_id, '''') FROM %I ORDER BY 2, %s',
                                       chained, ascending) LOOP
        IF owner IS DISTINCT FROM owner_before THEN
            owner_before := owner;
            link := 0;
            linked := chain_root(chained);
        END IF;
        link := link + 1;
        EXECUTE format('UPDATE %1$I SET chain_number = $1, chain_hash = chain_hash($2, to_jsonb(%1$I)
                        || jsonb_build_object(''chain_number'', $1)) WHERE ctid = $3 RETURNING chain_hash', chained)
            INTO linked USING link, linked, place;
        INSERT INTO chain_head (chain, account_id, number, hash) VALUES (chained, owner, link, linked)
        ON CONFLICT (chain, account_id) DO UPDATE SET number = excluded.number, hash = excluded.hash;
    END LOOP;
    EXECUTE format('ALTER TABLE %I ENABLE TRIGGER append_only', chained);
    EXECUTE format('ALTER TABLE %I ALTER chain_number SET NOT NULL, ALTER chain_hash SET NOT NULL', chained);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (coalesce(account_id, ''''), chain_number)',
                   chained || '_chain', chained);
    -- The link's own statements name the table: planned once a session, not once a row.
    EXECUTE format($link$
        CREATE FUNCTION %2$I() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $body$
        DECLARE
            owner text := coalesce(NEW.account_id, '');
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '.chain.' || owner, 1));
            SELECT chain_number + 1, chain_hash INTO NEW.chain_number, NEW.chain_hash FROM %1$I
            WHERE coalesce(account_id, '') = owner ORDER BY chain_number DESC LIMIT 1;
            NEW.chain_number := coalesce(NEW.chain_number, 1);
            NEW.chain_hash := chain_hash(coalesce(NEW.chain_hash, chain_root(%1$L)), to_jsonb(NEW));
            RETURN NEW;
        END $body$
        $link$, chained, chained || '_link');
    EXECUTE format('CREATE TRIGGER zz_chained BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION %I()',
                   chained, chained || '_link');
    EXECUTE format('CREATE CONSTRAINT TRIGGER zz_remembered AFTER INSERT ON %I DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION chain_remember()', chained);
END $$;

-- The hash of one link; null where there is none. For heads that were remembered elsewhere.
CREATE FUNCTION chain_at(chained text, account text, link bigint) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_hash bytea;
BEGIN
    EXECUTE format('SELECT chain_hash FROM %I WHERE coalesce(account_id, '''') = $1 AND chain_number = $2', chained)
        INTO found_hash USING account, link;
    RETURN found_hash;
END $$;

-- The first broken link of each chain of an account, and what is wrong with it.
CREATE FUNCTION chain_flaws(account text) RETURNS TABLE (chain text, number bigint, flaw text)
LANGUAGE plpgsql STABLE SET timezone = 'UTC' AS $$
DECLARE
    last_number bigint;
    head_number bigint;
    head_hash bytea;
BEGIN
    FOR chain IN SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                 WHERE a.attname = 'chain_hash' AND NOT a.attisdropped AND c.relkind = 'r'
                   AND c.relnamespace = current_schema()::regnamespace ORDER BY 1 LOOP
        EXECUTE format('
            SELECT l.wanted, CASE WHEN l.chain_number > l.wanted THEN ''missing''
                                  WHEN l.chain_number < l.wanted THEN ''double'' ELSE ''altered'' END
            FROM (SELECT row_number() OVER w AS wanted, r.chain_number, r.chain_hash,
                         lag(r.chain_hash, 1, chain_root($2)) OVER w AS previous, to_jsonb(r) AS entry
                  FROM %I r WHERE coalesce(r.account_id, '''') = $1 WINDOW w AS (ORDER BY r.chain_number)) l
            WHERE l.chain_number <> l.wanted OR l.chain_hash <> chain_hash(l.previous, l.entry)
            ORDER BY l.wanted LIMIT 1', chain) INTO number, flaw USING account, chain;
        IF number IS NULL THEN
            EXECUTE format('SELECT coalesce(max(chain_number), 0) FROM %I WHERE coalesce(account_id, '''') = $1', chain)
                INTO last_number USING account;
            head_number := coalesce((SELECT h.number FROM chain_head h
                                     WHERE h.chain = chain_flaws.chain AND h.account_id = account), 0);
            head_hash := (SELECT h.hash FROM chain_head h
                          WHERE h.chain = chain_flaws.chain AND h.account_id = account);
            IF head_number > last_number THEN
                number := last_number + 1;
                flaw := 'cut off';
            ELSIF head_number < last_number OR head_hash <> chain_at(chain, account, last_number) THEN
                number := last_number;
                flaw := 'unlike its head';
            END IF;
        END IF;
        IF number IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- An event belongs to the account of its order; orders know it, so nobody has to say it.
ALTER TABLE order_event ADD COLUMN account_id text REFERENCES account;
ALTER TABLE order_event DISABLE TRIGGER append_only;
UPDATE order_event e SET account_id = o.account_id FROM orders o WHERE o.identifier = e.identifier;
ALTER TABLE order_event ENABLE TRIGGER append_only;
ALTER TABLE order_event ALTER account_id SET NOT NULL;

CREATE FUNCTION order_event_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT account_id INTO NEW.account_id FROM orders WHERE identifier = NEW.identifier;
    RETURN NEW;
END $$;

CREATE TRIGGER account_of_order BEFORE INSERT ON order_event FOR EACH ROW EXECUTE FUNCTION order_event_account();

CALL chain_start('orders', 'created_at, identifier');
CALL chain_start('order_event', 'event_id');
CALL chain_start('fill', 'at, trade_uuid, position_id');
CALL chain_start('posting', 'posting_id');
CALL chain_start('stop', 'position_id, number');

GRANT SELECT ON chain_head TO makenaide_writer, makenaide_reader;
GRANT INSERT, UPDATE ON chain_head TO makenaide_writer;
