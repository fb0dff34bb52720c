-- The channel, made in one statement and so in one transaction. The schema's name comes from the session's settings.
--
-- approval  What hosts publish. A person's program looks at the view `pending` and decides with
--
--               UPDATE approval SET verdict = 'approve', decided_by = 'Ada', reason = 'reviewed the plan'
--                WHERE id = '...' AND revision = ...
--
--           naming the revision that the person has seen. verdict is 'approve' or 'deny'; name and reason must be there.
--           An approval takes one decision for each revision, and none once it is settled (`outcome`); the trigger says
--           so. `decided_role` is the database's own idea of who it was. Whoever decides needs no more than
--
--               GRANT USAGE ON SCHEMA lbops_approval TO deciders;
--               GRANT SELECT ON approval, pending TO deciders;
--               GRANT UPDATE (verdict, decided_by, reason) ON approval TO deciders;
--
--           LISTEN lbops_pending wakes such a program when there is something new to decide; hosts listen on
--           lbops_decided.
DO $layout$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('lbops approval'), hashtext(current_setting('lbops.schema')));
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
        layout int4 NOT NULL
    );
    CREATE TABLE approval (
        id text COLLATE "C" PRIMARY KEY,
        revision int8 NOT NULL,
        document json NOT NULL,
        published_at timestamptz NOT NULL DEFAULT now(),
        verdict text CHECK (verdict IN ('approve', 'deny')),
        decided_by text,
        reason text,
        decided_at timestamptz,
        decided_role text,
        outcome text,
        settled_at timestamptz,
        CONSTRAINT decision_has_name_and_reason
            CHECK (verdict IS NULL OR (coalesce(btrim(decided_by), '') <> '' AND coalesce(btrim(reason), '') <> ''))
    );
    CREATE INDEX approval_decided ON approval (decided_at) WHERE verdict IS NOT NULL AND outcome IS NULL;
    CREATE INDEX approval_settled ON approval (settled_at) WHERE outcome IS NOT NULL;
    CREATE VIEW pending AS
        SELECT id, revision, document, published_at FROM approval WHERE verdict IS NULL AND outcome IS NULL;

    COMMENT ON TABLE approval IS 'What lbops asks people. Decide with UPDATE approval SET verdict, decided_by, reason '
        'WHERE id and revision; see pending. One decision for each revision, none once outcome is set.';
    COMMENT ON COLUMN approval.verdict IS 'approve or deny; the name goes into decided_by, why into reason';
    COMMENT ON COLUMN approval.outcome IS 'what became of it, as the host says: executed, denied, expired ...';
    COMMENT ON COLUMN approval.revision IS 'rises when the approval changes: what was decided before does not count';
    COMMENT ON VIEW pending IS 'approvals that wait for a decision; LISTEN lbops_pending tells of new ones';

    CREATE FUNCTION guard() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $guard$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            PERFORM pg_notify('lbops_pending', NEW.id);
            RETURN NEW;
        ELSIF NEW.revision > OLD.revision THEN -- published anew: nothing is decided on it
            NEW.verdict := NULL;
            NEW.decided_by := NULL;
            NEW.reason := NULL;
            NEW.decided_at := NULL;
            NEW.decided_role := NULL;
            NEW.outcome := NULL;
            NEW.settled_at := NULL;
            PERFORM pg_notify('lbops_pending', NEW.id);
            RETURN NEW;
        ELSIF (NEW.verdict, NEW.decided_by, NEW.reason) IS NOT DISTINCT FROM
              (OLD.verdict, OLD.decided_by, OLD.reason) THEN
            RETURN NEW;
        ELSIF OLD.outcome IS NOT NULL THEN
            RAISE EXCEPTION 'approval % is settled: %', OLD.id, OLD.outcome
                USING ERRCODE = 'object_not_in_prerequisite_state';
        ELSIF OLD.verdict IS NOT NULL THEN
            RAISE EXCEPTION 'approval % was decided already (% by %)', OLD.id, OLD.verdict, OLD.decided_by
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        NEW.decided_at := clock_timestamp();
        NEW.decided_role := session_user;
        PERFORM pg_notify('lbops_decided', NEW.id);
        RETURN NEW;
    END
    $guard$;
    CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON approval FOR EACH ROW EXECUTE FUNCTION guard();

    INSERT INTO store (application, layout) VALUES ('lbops approval', 1);
END
$layout$
