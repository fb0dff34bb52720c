-- summary: text of fixed length of a copy: the server does not count its blanks
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
rtrim(CAST(t.:column AS STRING))
