-- summary: the number of a part; null for what lies outside of all
-- kind: fragment
-- example: SELECT :fragment FROM (SELECT 1 AS b) AS p
p.b
