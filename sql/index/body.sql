-- summary: an index in the order of its columns
-- kind: fragment
-- example: CREATE INDEX i ON t :fragment
-- param columns sql[] like x
(:columns)
