-- summary: how long the statements that come may take, their waiting and all; 0: as long as it takes
-- kind: change
-- server: 15-18
-- note: exact decimals are measures to whoever compares proposals.
-- param most_ms numeric
SET statement_timeout TO :most_ms
