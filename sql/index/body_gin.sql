-- summary: an index of what is in values: elements, keys, pieces of text
-- kind: fragment
-- example: CREATE INDEX i ON t :fragment
-- param columns sql[] like x
USING gin (:columns)
