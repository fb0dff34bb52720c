-- summary: tries to read a table of another tenant, and fails if that works
-- kind: change
-- server: 15-18
DO $$
BEGIN
    PERFORM FROM pg_temp.lbops_rows LIMIT 1;
    RAISE EXCEPTION 'tenants are not apart: % can read a table of another one', current_user USING ERRCODE = 'LB001';
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END
$$
