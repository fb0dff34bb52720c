-- summary: tries to read a row of another tenant and to write one, and fails if either works
-- kind: change
-- server: 15-18
-- note: asked this way, and by an index, it takes no look at the rows that are the tenant's own.
-- note: what is written is taken back with the block, in which nothing but the refusal is good.
DO $$
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
            RAISE EXCEPTION 'row security leaks: rows of others that % writes are only stopped by a constraint', current_user
                USING ERRCODE = 'LB002';
    END;
END
$$
