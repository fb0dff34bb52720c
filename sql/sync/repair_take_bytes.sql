-- summary: bytes for a copy, from hexadecimal
-- kind: fragment
-- param name identifier
-- example: SELECT :fragment FROM pg_class AS s
unhex(s.:name)
