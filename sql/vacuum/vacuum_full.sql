-- summary: writes a table anew without its dead rows, and locks everybody out meanwhile
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
VACUUM (FULL, ANALYZE) :schema.:table
