-- summary: lets tenants' roles at the rows that they are tried with
-- kind: change
-- server: 15-18
-- param roles identifier[]
GRANT SELECT, INSERT, UPDATE, DELETE ON pg_temp.lbops_rows TO :roles
