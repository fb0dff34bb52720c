-- summary: forgets what the session's limit on waits for locks was meant to be
-- kind: change
-- server: 15-18
RESET lbops_migration.lock_timeout
