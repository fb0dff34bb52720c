-- summary: leaves rows without a value out of an index
-- kind: fragment
-- example: CREATE INDEX i ON t (x) :fragment
-- param column identifier
WHERE :column IS NOT NULL
