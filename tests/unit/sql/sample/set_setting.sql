-- summary: sets a role's setting
-- kind: change
-- server: 15-18
-- param role identifier
-- param setting identifier
-- param value number
ALTER ROLE :role SET :setting = :value
