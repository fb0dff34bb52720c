-- summary: the same of an array, from JSON
-- kind: fragment
-- param place definition like 1
-- param type definition like text[]
-- param column identifier
-- example: SELECT :fragment FROM (SELECT ARRAY['1'] AS cells) AS r
(SELECT x.cell FROM json_to_record(json_build_object('cell', CAST(r.cells[ :place ] AS json))) AS x (cell :type)) AS :column
