-- summary: notes what the session's limit on statements is meant to be
-- kind: change
-- server: 15-18
-- param most_ms numeric
SET lbops_migration.statement_timeout TO :most_ms
