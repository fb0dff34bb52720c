-- summary: the same of a moment without a zone, which the lakehouse has as if it were of UTC
-- kind: fragment
-- param place definition like 1
-- param type definition
-- param column identifier
-- example: SELECT :fragment FROM (SELECT ARRAY['1'] AS cells) AS r
CAST(TIMESTAMP '1970-01-01 00:00:00' + INTERVAL '1 second' * (CAST(r.cells[ :place ] AS int8) / 1000000)
     + INTERVAL '1 microsecond' * (CAST(r.cells[ :place ] AS int8) % 1000000) AS :type) AS :column
