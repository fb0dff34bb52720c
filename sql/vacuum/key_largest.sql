-- summary: the largest value of a column that an index begins with
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_constraint
-- param column identifier like connamespace
-- column largest integer null
SELECT max(t.:column)::int8 AS largest FROM :schema.:table t
