-- summary: the same of an archive, where some engines make nothing of a text with a null
-- kind: fragment
-- param form sql like t.relname
-- example: SELECT concat(:fragment) FROM pg_class AS t
coalesce(':' || replace(replace(:form, '^', '^1'), ';', '^2'), ''), ';'
