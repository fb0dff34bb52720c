-- summary: no table's rows, where a list must not be empty
-- kind: fragment
-- server: 15-18
-- example: SELECT v.rows FROM (VALUES :fragment) v (name, stays, rows)
(NULL::text, NULL::boolean, NULL::int8)
