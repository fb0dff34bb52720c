-- summary: a text of the server in the text of its row: no two rows have one text
-- kind: fragment
-- note: the ; that ends a cell stands in none: in one a ^ is written as ^1 and a ; as ^2. A null is an empty cell.
-- param form sql like t.relname
-- example: SELECT concat(:fragment) FROM pg_class AS t
':' || replace(replace(:form, '^', '^1'), ';', '^2'), ';'
