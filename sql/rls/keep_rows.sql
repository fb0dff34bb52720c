-- summary: a table's rows by tenant, as who asks may see them, while it is tried
-- kind: change
-- server: 15-18
-- note: it asks for the tenants' table, and so goes with it at the end of the transaction.
-- param schema identifier
-- param table identifier
-- param key identifier
CREATE TEMPORARY VIEW lbops_rows WITH (security_invoker = true) AS
SELECT t.:key AS tenant
  FROM :schema.:table t
 WHERE EXISTS (SELECT FROM pg_temp.lbops_tenants)
