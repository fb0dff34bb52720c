-- summary: arrays that the copy keeps as JSON
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(to_jsonb(t.:column) AS text)
