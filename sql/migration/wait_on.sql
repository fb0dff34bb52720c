-- summary: lets statements wait for locks as long as it takes
-- kind: change
-- server: 15-18
-- note: CREATE INDEX CONCURRENTLY waits for old snapshots as for locks; a limit would leave an invalid index behind.
SET lock_timeout TO 0
