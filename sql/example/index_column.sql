-- summary: a column of an index with the largest values first and nulls at the end
-- kind: fragment
-- example: CREATE INDEX i ON t (:fragment)
-- param column identifier
:column DESC NULLS LAST
