-- summary: makes a replication slot that nobody reads
-- kind: change
-- server: 15-18
-- param name text as name
SELECT pg_create_physical_replication_slot(:name, true)
