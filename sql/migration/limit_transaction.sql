-- summary: how long this transaction may take in all, should nobody be there to end it
-- kind: change
-- server: 17-18
-- note: a limit that runs already, as one by ALTER ROLE, is kept by the server: each transaction has one timer.
-- note: exact decimals are measures to whoever compares proposals.
-- param most_ms numeric
SET LOCAL transaction_timeout TO :most_ms
