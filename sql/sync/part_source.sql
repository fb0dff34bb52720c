-- summary: the name of a part; ~ for what lies outside of all
-- kind: fragment
-- example: SELECT :fragment FROM (SELECT 1 AS b) AS p
coalesce(CAST(p.b AS text), '~')
