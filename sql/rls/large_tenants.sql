-- summary: tenants with more than a thousand rows of their own in a table, or all where row security hides rows from who asks
-- kind: read
-- server: 15-18
-- note: as many as try_access looks at. By the key's index it takes no look at more than those of each.
-- param tenants text[]
-- param type definition like text
-- param id integer
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param key identifier like relname
-- column tenant text
-- column is_hidden boolean
SELECT w.name AS tenant, row_security_active(CAST(:id AS oid)) AS is_hidden
  FROM unnest(:tenants) AS w (name)
 WHERE row_security_active(CAST(:id AS oid))
    OR EXISTS (SELECT FROM :schema.:table t WHERE t.:key = CAST(w.name AS :type) OFFSET 1000)
