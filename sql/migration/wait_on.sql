-- summary: how long the statements that come wait for a lock; 0: as long as it takes
-- kind: change
-- server: 15-18
-- param wait_ms integer
SET lock_timeout TO :wait_ms
