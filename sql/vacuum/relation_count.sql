-- summary: how many tables, materialized views and TOAST tables there are, those of the system included
-- kind: read
-- server: 15-18
-- column relations integer
SELECT count(*) AS relations
  FROM pg_class c
 WHERE c.relkind IN ('r', 'm', 't')
