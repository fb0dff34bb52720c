-- summary: an index over a part of the rows
-- kind: fragment
-- example: CREATE INDEX i ON t :fragment
-- param columns sql[] like x
-- param condition sql like WHERE x IS NOT NULL
(:columns) :condition
