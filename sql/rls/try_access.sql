-- summary: tries to read, write, change and delete a row of another tenant, and fails if any of it works
-- kind: change
-- server: 15-18
-- note: asked this way, and by an index, it takes no look at the rows that are the tenant's own.
-- note: what is written is taken back with the block, in which nothing but the refusal is good.
-- note: no row is changed or deleted: a condition counts those that could be, asks for no column (or policies for
-- note: reading would come first), and divides by zero behind the last one of the tenant's own. A tenant with more than
-- note: a thousand rows is not tried in this way, as all of them would be looked at.
-- note: at last it tries to give one row of its own to another tenant, which is refused before the row is changed.
-- note: where there is no partition for the other tenant's row, a policy is not asked for it: that is no leak.
DO $$
DECLARE
    own bigint;
    rule text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.lbops_tenants t WHERE t.role = current_user) THEN
        RAISE EXCEPTION 'nobody is tried, as % is no tenant', current_user;
    END IF;
    SET LOCAL enable_seqscan = off;
    IF EXISTS (SELECT FROM pg_temp.lbops_rows r WHERE r.tenant IS NULL)
       OR EXISTS (SELECT
                    FROM pg_temp.lbops_rows r
                   WHERE r.tenant < (SELECT t.tenant FROM pg_temp.lbops_tenants t WHERE t.role = current_user))
       OR EXISTS (SELECT
                    FROM pg_temp.lbops_rows r
                   WHERE r.tenant > (SELECT t.tenant FROM pg_temp.lbops_tenants t WHERE t.role = current_user)) THEN
        RAISE EXCEPTION 'row security leaks: % can read rows of others', current_user USING ERRCODE = 'LB001';
    END IF;
    BEGIN
        INSERT INTO pg_temp.lbops_rows (tenant)
        SELECT t.tenant FROM pg_temp.lbops_tenants t WHERE t.role <> current_user LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'row security leaks: % can write rows of others', current_user USING ERRCODE = 'LB002';
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN
            NULL;
        WHEN integrity_constraint_violation THEN
            GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
            IF SQLSTATE <> '23514' OR rule <> '' THEN
                RAISE EXCEPTION 'row security leaks: rows of others that % writes are only stopped by a constraint', current_user
                    USING ERRCODE = 'LB002';
            END IF;
    END;
    own := (SELECT count(*) FROM (SELECT FROM pg_temp.lbops_rows LIMIT 1001) r);
    IF own > 1000 THEN
        RETURN;
    END IF;
    PERFORM set_config('lbops.reached', '0', true);
    BEGIN
        UPDATE pg_temp.lbops_rows
           SET tenant = (SELECT t.tenant FROM pg_temp.lbops_tenants t WHERE t.role = current_user)
         WHERE own / CASE
                         WHEN CAST(set_config('lbops.reached',
                                              CAST(CAST(current_setting('lbops.reached') AS bigint) + 1 AS text),
                                              true) AS bigint) > own THEN 0
                         ELSE 1
                     END < 0;
    EXCEPTION
        WHEN insufficient_privilege OR raise_exception THEN
            NULL;
        WHEN division_by_zero THEN
            RAISE EXCEPTION 'row security leaks: % can change rows of others', current_user USING ERRCODE = 'LB002';
    END;
    PERFORM set_config('lbops.reached', '0', true);
    BEGIN
        DELETE FROM pg_temp.lbops_rows
         WHERE CASE
                   WHEN own / CASE
                               WHEN CAST(set_config('lbops.reached',
                                                    CAST(CAST(current_setting('lbops.reached') AS bigint) + 1 AS text),
                                                    true) AS bigint) > own THEN 0
                               ELSE 1
                           END < 0 THEN false
                   ELSE false
               END;
    EXCEPTION
        WHEN insufficient_privilege OR raise_exception THEN
            NULL;
        WHEN division_by_zero THEN
            RAISE EXCEPTION 'row security leaks: % can delete rows of others', current_user USING ERRCODE = 'LB002';
    END;
    PERFORM set_config('lbops.reached', '0', true);
    BEGIN
        UPDATE pg_temp.lbops_rows
           SET tenant = t.tenant
          FROM (SELECT o.tenant FROM pg_temp.lbops_tenants o WHERE o.role <> current_user LIMIT 1) t
         WHERE CAST(set_config('lbops.reached',
                               CAST(CAST(current_setting('lbops.reached') AS bigint) + 1 AS text),
                               true) AS bigint) = 1;
        IF FOUND THEN
            RAISE EXCEPTION 'row security leaks: % can give rows of its own to others', current_user USING ERRCODE = 'LB002';
        END IF;
    EXCEPTION
        WHEN insufficient_privilege OR raise_exception THEN
            NULL;
        WHEN integrity_constraint_violation THEN
            GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
            IF SQLSTATE <> '23514' OR rule <> '' THEN
                RAISE EXCEPTION 'row security leaks: rows that % gives to others are only stopped by a constraint', current_user
                    USING ERRCODE = 'LB002';
            END IF;
    END;
END
$$
