-- summary: of a span of time
-- kind: fragment
-- param moment sql like 1
-- param since integer
-- param until integer
-- example: SELECT 1 FROM pg_class AS t WHERE :fragment
(:moment >= :since AND :moment < :until)
