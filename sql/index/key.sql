-- summary: a column of an index
-- kind: fragment
-- example: CREATE INDEX i ON t (:fragment)
-- param column identifier
:column
