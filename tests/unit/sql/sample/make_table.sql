-- summary: a table of columns
-- kind: change
-- server: 15-18
-- param columns sql[] like x integer
CREATE TABLE made (:columns)
