-- summary: the files of all tables, indexes and sequences of the database, to see later which were written anew
-- kind: read
-- server: 15-18
-- column id integer
-- column name text
-- column kind text
-- column file integer
-- column bytes integer
SELECT c.oid::int8 AS id, format('%I.%I', n.nspname, c.relname) AS name, c.relkind::text AS kind,
       pg_relation_filenode(c.oid)::int8 AS file, coalesce(pg_relation_size(c.oid), 0) AS bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 'i', 'S')
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'lbops_migration')
   AND pg_relation_filenode(c.oid) IS NOT NULL
 ORDER BY c.oid
