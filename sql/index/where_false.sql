-- summary: leaves the rows that are marked out of an index
-- kind: fragment
-- example: CREATE INDEX i ON t (x) :fragment
-- param column identifier
WHERE NOT :column
