-- summary: how long each statement of this transaction may take, its waiting for locks and all
-- kind: change
-- server: 15-18
-- note: exact decimals are measures to whoever compares proposals: a table that has grown makes no other one.
-- param most_ms numeric
SET LOCAL statement_timeout TO :most_ms
