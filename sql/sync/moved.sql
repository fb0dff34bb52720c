-- summary: rows that have changed within a span of time
-- kind: fragment
-- param column identifier
-- param since timestamp
-- param mark timestamp
-- example: SELECT 1 FROM pg_stat_activity AS t WHERE true :fragment
AND t.:column > :since AND t.:column <= :mark
