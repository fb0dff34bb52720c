-- summary: a statement that a server printed whole
-- kind: change
-- server: 15-18
-- param statement definition like CREATE SCHEMA made
:statement
