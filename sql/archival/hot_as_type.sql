-- summary: the same in the type that the archive has
-- kind: fragment
-- param column identifier
-- param type definition like text
-- example: SELECT :fragment FROM pg_class AS h
CAST(h.:column AS :type) AS :column
