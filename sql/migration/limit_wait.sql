-- summary: how long the statements of this transaction wait for a lock
-- kind: change
-- server: 15-18
-- param wait_ms integer
SET LOCAL lock_timeout TO :wait_ms
