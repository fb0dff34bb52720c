-- summary: notes what the session's limit on waits for locks is meant to be
-- kind: change
-- server: 15-18
-- param wait_ms numeric
SET lbops_migration.lock_timeout TO :wait_ms
