-- summary: takes a table's statistics anew
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
ANALYZE :schema.:table
