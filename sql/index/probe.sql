-- summary: how the planner would find rows, without finding any
-- kind: read
-- server: 15-18
-- param search sql like SELECT 1
-- column query_plan json
EXPLAIN (FORMAT JSON) :search
