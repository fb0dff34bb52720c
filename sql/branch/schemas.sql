-- summary: which of these schemas there are
-- kind: read
-- server: 15-18
-- param names text[]
-- column name text
SELECT n.nspname::text AS name
  FROM pg_namespace n
 WHERE n.nspname = ANY (:names)
