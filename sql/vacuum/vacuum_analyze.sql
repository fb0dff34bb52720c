-- summary: vacuums a table and refreshes its statistics, unless somebody holds a lock on it
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
VACUUM (ANALYZE, SKIP_LOCKED) :schema.:table
