-- summary: how long each statement of this transaction may take, its waiting for locks and all
-- kind: change
-- server: 15-18
-- param most_ms integer
SET LOCAL statement_timeout TO :most_ms
