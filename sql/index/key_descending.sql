-- summary: a column of an index, the largest values first
-- kind: fragment
-- example: CREATE INDEX i ON t (:fragment)
-- param column identifier
:column DESC
