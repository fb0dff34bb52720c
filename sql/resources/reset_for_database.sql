-- summary: takes a setting of a database back
-- kind: change
-- server: 15-18
-- param database identifier
-- param name identifier
ALTER DATABASE :database RESET :name
