-- summary: the oldest and the newest moment of a column, which an index on it answers without reading the table
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_stat_activity
-- param column identifier like backend_start
-- column oldest timestamp null
-- column newest timestamp null
SELECT min(t.:column)::timestamptz AS oldest, max(t.:column)::timestamptz AS newest
  FROM :schema.:table t
