-- summary: lets tenants' roles see who is who, while they are tried
-- kind: change
-- server: 15-18
-- param roles identifier[]
GRANT SELECT ON pg_temp.lbops_tenants TO :roles
