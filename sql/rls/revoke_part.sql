-- summary: takes all rights on a part of a table, which is reached through the table
-- kind: change
-- server: 15-18
-- note: the role public is everybody, in quotes as well.
-- param schema identifier
-- param table identifier
-- param role identifier
REVOKE ALL ON :schema.:table FROM :role
