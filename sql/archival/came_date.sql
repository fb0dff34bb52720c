-- summary: the same of a date, from days
-- kind: fragment
-- param place definition like 1
-- param type definition
-- param column identifier
-- example: SELECT :fragment FROM (SELECT ARRAY['1'] AS cells) AS r
CAST(DATE '1970-01-01' + CAST(r.cells[ :place ] AS int4) AS :type) AS :column
