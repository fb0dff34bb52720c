-- summary: a setting of the whole server, in force after a reload
-- kind: change
-- server: 15-18
-- param name identifier
-- param value text
ALTER SYSTEM SET :name TO :value
