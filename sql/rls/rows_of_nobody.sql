-- summary: whether rows of a table have no tenant, so that no tenant's policy shows them, and how many; 1001 stand for more
-- kind: read
-- server: 15-18
-- note: by the key's index it takes no look at other rows. Where row security hides rows from who asks nothing is counted.
-- param id integer
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param key identifier like relname
-- column rows integer
-- column is_hidden boolean
SELECT (SELECT count(*) FROM (SELECT FROM :schema.:table t WHERE t.:key IS NULL LIMIT 1001) r) AS rows,
       row_security_active(CAST(:id AS oid)) AS is_hidden
