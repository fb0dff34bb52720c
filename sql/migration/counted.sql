-- summary: a table's rows, counted as far as that is quick
-- kind: fragment
-- server: 15-18
-- example: SELECT v.rows FROM (VALUES :fragment) v (name, stays, rows)
-- param label text
-- param stays boolean
-- param schema identifier
-- param table identifier
(:label::text, :stays::boolean, (SELECT count(*) FROM (SELECT FROM :schema.:table LIMIT 100001) t))
