-- summary: a number or a moment of the server in the text of its row: none is empty
-- kind: fragment
-- param form sql like t.relname
-- example: SELECT concat(:fragment) FROM pg_class AS t
:form, ';'
