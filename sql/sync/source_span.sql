-- summary: the smallest and the largest key
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_stat_activity
-- param key identifier like pid
-- column low integer null
-- column high integer null
SELECT CAST(min(t.:key) AS bigint) AS low, CAST(max(t.:key) AS bigint) AS high
  FROM :schema.:name AS t
