-- summary: freezes the rows of a table, so that its transaction IDs grow young; one that is locked is left for later
-- kind: change
-- server: 15-18
-- note: without cutting the file at its end, which would take a lock that nobody can read beside.
-- param schema identifier
-- param table identifier
VACUUM (FREEZE, TRUNCATE off, SKIP_LOCKED) :schema.:table
