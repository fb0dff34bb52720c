-- summary: a value that nobody knows, of whatever type is asked for
-- kind: fragment
-- example: SELECT :fragment
NULL
