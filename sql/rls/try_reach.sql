-- summary: fails if who acts may use or fill the schema of another tenant
-- kind: change
-- server: 15-18
DO $$
BEGIN
    IF EXISTS (SELECT
                 FROM pg_temp.lbops_tenants t
                 JOIN pg_catalog.pg_namespace n ON n.nspname = t.tenant
                WHERE t.role <> current_user
                  AND (has_schema_privilege(n.oid, 'USAGE') OR has_schema_privilege(n.oid, 'CREATE'))) THEN
        RAISE EXCEPTION 'tenants are not apart: % may use the schema of another one', current_user USING ERRCODE = 'LB003';
    END IF;
END
$$
