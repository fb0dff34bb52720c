-- summary: how the planner would find rows, without finding any
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param condition sql null like WHERE p.relname = ''
-- param ordering sql null like ORDER BY p.relname LIMIT 10
-- column query_plan json
EXPLAIN (FORMAT JSON) SELECT p.* FROM :schema.:table p :condition :ordering
