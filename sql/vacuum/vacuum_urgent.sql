-- summary: vacuums a table to make it young again, and nothing else
-- kind: change
-- server: 15-18
-- note: what counts near a wraparound is relfrozenxid: indexes and the table's end can wait, and FREEZE would dirty each page.
-- param schema identifier
-- param table identifier
VACUUM (INDEX_CLEANUP off, TRUNCATE off) :schema.:table
