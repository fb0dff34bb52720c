-- summary: the statement that makes a role a member of databricks_superuser, or not
-- kind: read
-- server: 15-18
-- param grants boolean
-- param name text
-- column statement text
SELECT pg_catalog.format(CASE WHEN :grants THEN 'GRANT databricks_superuser TO %I'
                              ELSE 'REVOKE databricks_superuser FROM %I' END,
                         :name) AS statement
