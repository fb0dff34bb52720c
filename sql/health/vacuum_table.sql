-- summary: vacuums a table and takes its statistics anew; one that is locked is left for later
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
VACUUM (ANALYZE, SKIP_LOCKED) :schema.:table
