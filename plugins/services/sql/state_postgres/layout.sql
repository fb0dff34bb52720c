-- The store, made in one statement and so in one transaction. The schema's name comes from session.sql. Hosts that come
-- at the same time wait for each other; the second one finds everything made.
--
-- store     one row; whoever applies a batch holds its lock, so batches follow one another. `counter` is the last version
--           that was given, `turn` the number of batches so far.
-- document  the documents. A lease has `ends`, on the server's clock. Bodies are kept to the letter, hence json.
-- batch     the last batch of each client with its verdicts: 12 bytes for each transaction.
DO $layout$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('lbops state'), hashtext(current_setting('lbops.schema')));
    IF to_regclass(quote_ident(current_setting('lbops.schema')) || '.store') IS NOT NULL THEN
        RETURN;
    END IF;
    IF to_regnamespace(quote_ident(current_setting('lbops.schema'))) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', current_setting('lbops.schema'));
    END IF;
    PERFORM set_config('search_path', quote_ident(current_setting('lbops.schema')) || ', pg_catalog, pg_temp', true);

    CREATE TABLE store (
        one bool PRIMARY KEY DEFAULT true CHECK (one),
        application text NOT NULL,
        layout int4 NOT NULL,
        counter int8 NOT NULL,
        turn int8 NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE document (
        space text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        version int8 NOT NULL,
        status text COLLATE "C",
        owner text COLLATE "C",
        at int8 NOT NULL,
        ends timestamptz,
        body json NOT NULL,
        PRIMARY KEY (space, key)
    );
    CREATE INDEX document_at ON document (space, at, key);
    CREATE INDEX document_status ON document (space, status, at, key) WHERE status IS NOT NULL;
    CREATE INDEX document_owner ON document (space, owner, at, key) WHERE owner IS NOT NULL;
    CREATE TABLE batch (
        client text COLLATE "C" PRIMARY KEY,
        number int8 NOT NULL,
        turn int8 NOT NULL,
        verdicts bytea NOT NULL
    );
    CREATE INDEX batch_turn ON batch (turn);

    -- One operation. Answers the version of its document (0: none); null: its condition does not hold. `fresh` is the
    -- version that it gives to what it writes.
    CREATE FUNCTION operate(verb int4, p_space text, p_key text, expected int8, p_status text, p_owner text, p_at int8,
                            ttl_us int8, p_body json, fresh int8, now timestamptz) RETURNS int8
    LANGUAGE plpgsql AS $operate$
    DECLARE
        there document;
    BEGIN
        CASE verb
            WHEN 1 THEN -- insert
                INSERT INTO document (space, key, version, status, owner, at, body)
                    VALUES (p_space, p_key, fresh, p_status, p_owner, p_at, p_body)
                    ON CONFLICT (space, key) DO NOTHING;
                RETURN CASE WHEN FOUND THEN fresh END;
            WHEN 2 THEN -- replace
                UPDATE document
                   SET version = fresh, status = p_status, owner = p_owner, at = p_at, ends = NULL, body = p_body
                 WHERE space = p_space AND key = p_key AND (expected = 0 OR version = expected);
                RETURN CASE WHEN FOUND THEN fresh END;
            WHEN 3 THEN -- put
                INSERT INTO document (space, key, version, status, owner, at, body)
                    VALUES (p_space, p_key, fresh, p_status, p_owner, p_at, p_body)
                    ON CONFLICT (space, key) DO UPDATE
                       SET version = fresh, status = p_status, owner = p_owner, at = p_at, ends = NULL, body = p_body;
                RETURN fresh;
            WHEN 4 THEN -- remove
                DELETE FROM document WHERE space = p_space AND key = p_key AND (expected = 0 OR version = expected);
                RETURN CASE WHEN FOUND OR expected = 0 THEN 0 END;
            WHEN 8 THEN -- release
                DELETE FROM document WHERE space = p_space AND key = p_key AND owner = p_owner AND ends IS NOT NULL;
                RETURN 0;
            ELSE
                SELECT * INTO there FROM document WHERE space = p_space AND key = p_key;
        END CASE;
        IF verb = 5 THEN -- expect
            RETURN CASE WHEN coalesce(there.version, 0) = expected THEN expected END;
        ELSIF verb = 7 THEN -- hold
            RETURN CASE WHEN there.owner = p_owner AND there.ends > now THEN there.version END;
        END IF;
        -- acquire
        IF there.version IS NOT NULL AND (there.ends IS NULL OR (there.ends > now AND there.owner <> p_owner)) THEN
            RETURN NULL;
        END IF;
        IF there.owner = p_owner THEN
            fresh := there.version;
        END IF;
        INSERT INTO document (space, key, version, status, owner, at, ends, body)
            VALUES (p_space, p_key, fresh, p_status, p_owner, p_at, now + ttl_us * interval '1 microsecond', p_body)
            ON CONFLICT (space, key) DO UPDATE
               SET version = fresh, status = p_status, owner = p_owner, at = p_at, ends = excluded.ends, body = p_body;
        RETURN fresh;
    END
    $operate$;

    -- One batch: transactions of `sizes` operations each, whose members lie side by side in the other lists. `undoable`
    -- says of each transaction whether an operation may fail after another has changed something. Answers the number of
    -- the client's last batch and its verdicts: this one's, or those of the last one when `number` is not above it.
    --
    -- Why hosts cannot get into each other's way: the first thing a batch does is to lock the one row of `store`, and it
    -- keeps that lock until its transaction has ended. So batches follow one another, whoever sends them. Each statement
    -- of a function sees what was committed before it began (READ COMMITTED, which is checked), so everything below sees
    -- all that earlier batches did and nothing changes while it runs. The whole transaction is this one call, so no host
    -- can hold the lock while it thinks, or after its network is gone. Two batches cannot deadlock, since nobody has
    -- another lock when waiting for this one; sessions of people might still be in the way, and the caller tries again.
    CREATE FUNCTION apply(p_client text, p_number int8, sizes int4[], undoable bool[], verbs int4[], spaces text[],
                          keys text[], versions int8[], statuses text[], owners text[], ats int8[], ttls int8[],
                          bodies json[], OUT last_number int8, OUT verdicts bytea)
    LANGUAGE plpgsql AS $apply$
    DECLARE
        ops CURSOR FOR SELECT *
            FROM unnest(verbs, spaces, keys, versions, statuses, owners, ats, ttls, bodies)
              AS u (verb, space, key, version, status, owner, at, ttl_us, body);
        op record;
        top int8; -- the last version that was given
        this_turn int8;
        now timestamptz;
        given int8;
        failed int4;
        i int4 := 0;
        size int4;
    BEGIN
        IF current_setting('transaction_isolation') <> 'read committed' THEN
            RAISE EXCEPTION 'a batch needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
        END IF;
        SELECT s.counter, s.turn + 1 INTO STRICT top, this_turn FROM store AS s FOR UPDATE;
        SELECT b.number, b.verdicts INTO last_number, verdicts FROM batch AS b WHERE client = p_client;
        IF last_number >= p_number THEN
            RETURN;
        END IF;
        now := clock_timestamp();
        last_number := p_number;
        verdicts := '';
        OPEN ops;
        FOREACH size IN ARRAY sizes LOOP
            i := i + 1;
            failed := -1;
            given := 0;
            IF undoable[i] THEN
                BEGIN
                    FOR j IN 0 .. size - 1 LOOP
                        FETCH ops INTO op;
                        given := operate(op.verb, op.space, op.key, op.version, op.status, op.owner, op.at, op.ttl_us,
                                         op.body, top + 1, now);
                        failed := j;
                        EXIT WHEN given IS NULL;
                        top := greatest(top, given);
                    END LOOP;
                    IF given IS NULL THEN
                        RAISE EXCEPTION USING ERRCODE = 'LB001';
                    END IF;
                    failed := -1;
                EXCEPTION WHEN SQLSTATE 'LB001' THEN
                    NULL; -- what it changed is undone
                END;
            ELSE
                FOR j IN 0 .. size - 1 LOOP
                    FETCH ops INTO op;
                    given := operate(op.verb, op.space, op.key, op.version, op.status, op.owner, op.at, op.ttl_us,
                                     op.body, top + 1, now);
                    failed := j;
                    EXIT WHEN given IS NULL;
                    top := greatest(top, given);
                END LOOP;
                failed := CASE WHEN given IS NULL THEN failed ELSE -1 END;
            END IF;
            IF failed >= 0 THEN
                SELECT d.version INTO given FROM document AS d WHERE d.space = op.space AND d.key = op.key;
                MOVE FORWARD size - 1 - failed FROM ops;
            END IF;
            verdicts := verdicts || int4send(failed) || int8send(coalesce(given, 0));
        END LOOP;
        INSERT INTO batch (client, number, turn, verdicts) VALUES (p_client, p_number, this_turn, apply.verdicts)
            ON CONFLICT (client) DO UPDATE
               SET number = excluded.number, turn = excluded.turn, verdicts = excluded.verdicts;
        UPDATE store AS s SET counter = top, turn = this_turn;
    END
    $apply$;

    -- Under the same lock, so that nothing is pruned from under a batch that looks at it. A lease that runs stays.
    CREATE FUNCTION prune(p_space text, p_status text, before int8, most int8) RETURNS int8
    LANGUAGE plpgsql AS $prune$
    DECLARE
        removed int8;
    BEGIN
        PERFORM FROM store FOR UPDATE;
        WITH old AS (
            SELECT d.space, d.key
              FROM document AS d
             WHERE d.space = p_space AND d.at < before AND (p_status IS NULL OR d.status = p_status)
               AND (d.ends IS NULL OR d.ends <= clock_timestamp())
             ORDER BY d.at, d.key
             LIMIT most)
        DELETE FROM document AS d USING old WHERE d.space = old.space AND d.key = old.key;
        GET DIAGNOSTICS removed = ROW_COUNT;
        RETURN removed;
    END
    $prune$;

    INSERT INTO store (application, layout, counter, turn) VALUES ('lbops state', 1, 0, 0);
END
$layout$
