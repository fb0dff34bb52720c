-- summary: the rows of one query behind those of another
-- kind: fragment
-- example: SELECT * FROM (:fragment) x
-- param first sql like SELECT 1
-- param second sql like SELECT 2
(:first) UNION ALL (:second)
