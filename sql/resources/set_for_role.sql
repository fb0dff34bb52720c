-- summary: a setting for new sessions of a role in a database
-- kind: change
-- server: 15-18
-- param role identifier
-- param database identifier
-- param name identifier
-- param value text
ALTER ROLE :role IN DATABASE :database SET :name TO :value
