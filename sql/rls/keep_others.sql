-- summary: another tenant's table, as who asks may see it, while it is tried
-- kind: change
-- server: 15-18
-- note: it asks for the tenants' table, and so goes with it at the end of the transaction.
-- param schema identifier
-- param table identifier
CREATE TEMPORARY VIEW lbops_rows WITH (security_invoker = true) AS
SELECT 1 AS tenant
  FROM :schema.:table t
 WHERE EXISTS (SELECT FROM pg_temp.lbops_tenants)
