-- summary: the plan of what host/explain_prepare has prepared
-- kind: read
-- server: 15-18
-- param values sql[] like NULL
-- column query_plan json
EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS) EXECUTE lbops_explain(:values)
