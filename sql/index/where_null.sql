-- summary: leaves rows with a value out of an index
-- kind: fragment
-- example: CREATE INDEX i ON t (x) :fragment
-- param column identifier
WHERE :column IS NULL
