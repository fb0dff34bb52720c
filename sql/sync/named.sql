-- summary: an expression under a name
-- kind: fragment
-- param form sql like t.relname
-- param name identifier
-- example: SELECT :fragment FROM pg_class AS t
:form AS :name
