-- summary: the same of bytes, from hexadecimal
-- kind: fragment
-- param place definition like 1
-- param type definition
-- param column identifier
-- example: SELECT :fragment FROM (SELECT ARRAY['1'] AS cells) AS r
CAST(decode(r.cells[ :place ], 'hex') AS :type) AS :column
