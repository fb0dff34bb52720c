-- summary: the bytes of one column more; no subquery, which would be run for each row
-- kind: fragment
-- example: SELECT 1 :fragment FROM pg_class t
-- param before sql null like + 1
-- param bytes sql like 1
:before + coalesce(:bytes, 0)
