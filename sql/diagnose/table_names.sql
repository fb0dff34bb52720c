-- summary: which of some tables and indexes there are
-- kind: read
-- server: 15-18
-- param names text[]
-- column name text
SELECT q.name
  FROM unnest(:names) AS q (name)
 WHERE EXISTS (SELECT
                 FROM pg_class c
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE format('%s.%s', n.nspname, c.relname) = q.name)
