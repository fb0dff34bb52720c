-- summary: a column of a row that comes from the lakehouse, from its text
-- kind: fragment
-- param place definition like 1
-- param type definition
-- param column identifier
-- example: SELECT :fragment FROM (SELECT ARRAY['1'] AS cells) AS r
CAST(r.cells[ :place ] AS :type) AS :column
