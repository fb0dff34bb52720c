-- summary: a date for a copy, from days
-- kind: fragment
-- param name identifier
-- example: SELECT :fragment FROM pg_class AS s
date_add(DATE '1970-01-01', CAST(s.:name AS INT))
