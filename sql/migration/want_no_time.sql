-- summary: forgets what the session's limit on statements was meant to be
-- kind: change
-- server: 15-18
RESET lbops_migration.statement_timeout
