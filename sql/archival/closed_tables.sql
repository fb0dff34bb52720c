-- summary: tables that were partitions, closed and detached, and are still there
-- kind: read
-- server: 15-18
-- param constraint text
-- column schema text
-- column name text
SELECT n.nspname::text AS schema, c.relname::text AS name
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'c'
   AND k.conname = :constraint
   AND c.relkind = 'r'
   AND NOT c.relispartition
   AND pg_get_constraintdef(k.oid) = 'CHECK (false)'
 ORDER BY schema, name
