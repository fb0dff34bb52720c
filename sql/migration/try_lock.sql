-- summary: makes this session the only one that applies migrations to the database, if no other one is
-- kind: change
-- server: 15-18
-- note: it never waits: a session that waits in a lock holds a snapshot, which CREATE INDEX CONCURRENTLY waits for.
SELECT pg_try_advisory_lock(hashtextextended('lbops_migration', 0))
