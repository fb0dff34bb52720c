-- summary: the same of a float of an archive, whose zeros can be below nothing
-- kind: fragment
-- param column identifier
-- param form sql like t.relname
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN t.:column = 0 AND CAST(t.:column AS STRING) LIKE '-%' THEN '-0' ELSE :form END
