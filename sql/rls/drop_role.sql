-- summary: takes a role away
-- kind: change
-- server: 15-18
-- param role identifier
DROP ROLE :role
