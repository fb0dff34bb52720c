-- summary: tries to read any row as who is no tenant, and fails if that works
-- kind: change
-- server: 15-18
-- note: who has what a tenant has is to see that one's rows, and is not tried.
DO $$
BEGIN
    IF EXISTS (SELECT
                 FROM pg_temp.lbops_tenants t
                 JOIN pg_catalog.pg_roles r ON r.rolname = t.role
                WHERE pg_has_role(r.oid, 'USAGE')) THEN
        RETURN;
    END IF;
    SET LOCAL enable_seqscan = off;
    IF EXISTS (SELECT FROM pg_temp.lbops_rows) THEN
        RAISE EXCEPTION 'row security leaks: % is no tenant and can read rows', current_user USING ERRCODE = 'LB001';
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END
$$
