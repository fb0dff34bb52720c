-- summary: a moment that no table of the lakehouse can hold: none at all, or one before Christ
-- kind: fragment
-- example: SELECT 1 FROM pg_stat_activity t WHERE :fragment
-- param column identifier like backend_start
(NOT isfinite(t.:column) OR t.:column < DATE '0001-01-01')
