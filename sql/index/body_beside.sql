-- summary: an index that also stores columns by which it is not ordered
-- kind: fragment
-- example: CREATE INDEX i ON t :fragment
-- param columns sql[] like x
-- param beside sql[] like y
(:columns) INCLUDE (:beside)
