-- summary: a value that the planner cannot know, as a parameter of a prepared statement is one
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- note: and so it does not look up the ends of an index either, which would count as a scan of it.
-- param schema identifier
-- param table identifier
-- param column identifier
p.:column = (SELECT v.:column FROM :schema.:table v WHERE v.:column IS NOT NULL LIMIT 1)
