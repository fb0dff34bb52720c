-- summary: a column in the text of a key
-- kind: fragment
-- param form sql like t.relname
-- example: SELECT concat(:fragment) FROM pg_class AS t
concat(coalesce(:form, '~'), ' ')
