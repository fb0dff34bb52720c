-- summary: a range whose ends the planner cannot know
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- param schema identifier
-- param table identifier
-- param column identifier
p.:column BETWEEN (SELECT v.:column FROM :schema.:table v WHERE v.:column IS NOT NULL LIMIT 1)
              AND (SELECT v.:column FROM :schema.:table v WHERE v.:column IS NOT NULL LIMIT 1)
