-- summary: a column of an index, by a class of operators of its own
-- kind: fragment
-- example: CREATE INDEX i ON t (:fragment)
-- param column identifier
-- param family_schema identifier
-- param family identifier
:column :family_schema.:family
