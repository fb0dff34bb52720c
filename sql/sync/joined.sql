-- summary: several texts as one
-- kind: fragment
-- param parts sql[]
-- example: SELECT :fragment
concat(:parts)
