-- summary: rows that a copy can have: changed until its latest change
-- kind: fragment
-- param column identifier
-- param mark timestamp
-- example: SELECT 1 FROM pg_stat_activity AS t WHERE true :fragment
AND (t.:column <= :mark OR t.:column IS NULL)
