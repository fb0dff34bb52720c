-- summary: takes a setting of the whole server back
-- kind: change
-- server: 15-18
-- param name identifier
ALTER SYSTEM RESET :name
