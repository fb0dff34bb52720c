-- summary: vacuums a table, unless somebody holds a lock on it
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
VACUUM (SKIP_LOCKED) :schema.:table
