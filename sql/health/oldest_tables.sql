-- summary: the tables of this database whose transaction IDs are the oldest, with what their toast tables have; those first that this role may freeze
-- kind: read
-- server: 15-18
-- param may_vacuum sql like true
-- param most integer
-- column schema text
-- column table_name text
-- column age integer
-- column bytes integer
-- column may_vacuum boolean
SELECT n.nspname::text AS schema,
       c.relname::text AS table_name,
       greatest(age(c.relfrozenxid), coalesce(age(t.relfrozenxid), 0))::int8 AS age,
       pg_table_size(c.oid) AS bytes,
       :may_vacuum AS may_vacuum
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
 WHERE c.relkind IN ('r', 'm')
   AND c.relpersistence <> 't'
   AND c.relfrozenxid <> '0'::xid
   AND has_table_privilege(c.oid, 'SELECT')
   AND NOT EXISTS (SELECT 1
                     FROM pg_locks l
                    WHERE l.relation = c.oid
                      AND l.mode = 'AccessExclusiveLock')
 ORDER BY may_vacuum DESC, age DESC, schema, table_name
 LIMIT :most
