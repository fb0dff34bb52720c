-- summary: the same where it is no single value and the archive has it as JSON
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS h
to_json(h.:column) AS :column
