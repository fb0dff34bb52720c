-- summary: a setting for new sessions in a database
-- kind: change
-- server: 15-18
-- param database identifier
-- param name identifier
-- param value text
ALTER DATABASE :database SET :name TO :value
