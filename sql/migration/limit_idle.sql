-- summary: how long this transaction may stay open with nothing done in it, should the one who began it be gone
-- kind: change
-- server: 15-18
-- param idle_ms integer
SET LOCAL idle_in_transaction_session_timeout TO :idle_ms
