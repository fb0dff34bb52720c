-- summary: a text of the server in the text of its row: no two rows have one text
-- kind: fragment
-- param form sql like t.relname
-- example: SELECT concat(:fragment) FROM pg_class AS t
':' || replace(:form, ';', ';;'), ';'
