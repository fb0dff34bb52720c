-- summary: the same in the type that the archive has
-- kind: fragment
-- note: not for numbers: that type may be too narrow for what is there now, and one value would fail the whole view.
-- param column identifier
-- param type definition like text
-- example: SELECT :fragment FROM pg_class AS h
CAST(h.:column AS :type) AS :column
