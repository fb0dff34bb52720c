-- summary: the plan of a statement that people have written
-- kind: read
-- server: 15-18
-- param statement definition like SELECT 1
-- column query_plan json
EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS) :statement
