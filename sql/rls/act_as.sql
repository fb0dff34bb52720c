-- summary: acts as a tenant until the end of the transaction
-- kind: change
-- server: 15-18
-- param role identifier
SET LOCAL ROLE :role
