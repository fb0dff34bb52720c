-- summary: takes a setting of a role in a database back
-- kind: change
-- server: 15-18
-- param role identifier
-- param database identifier
-- param name identifier
ALTER ROLE :role IN DATABASE :database RESET :name
