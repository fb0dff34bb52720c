-- summary: an index of which values are in which part of the table
-- kind: fragment
-- example: CREATE INDEX i ON t :fragment
-- param columns sql[] like x
USING brin (:columns)
