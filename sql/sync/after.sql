-- summary: rows that a copy need not have: changed after what it was compared until
-- kind: fragment
-- param column identifier
-- param mark timestamp
-- example: SELECT 1 FROM pg_stat_activity AS t WHERE true :fragment
AND t.:column > :mark
