-- summary: who holds and waits for locks
-- kind: read
-- server: 15-18
-- column pid integer null
-- column mode text null
-- column granted boolean
SELECT l.pid::bigint AS pid, l.mode, l.granted FROM pg_locks l
