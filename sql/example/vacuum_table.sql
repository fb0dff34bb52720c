-- summary: vacuums a table and refreshes its statistics
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
VACUUM (ANALYZE) :schema.:table
