-- summary: numbers of any scale, without zeros at their end
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(trim_scale(t.:column) AS text)
