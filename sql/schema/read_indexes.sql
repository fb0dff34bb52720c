-- summary: indexes that belong to no constraint as objects of the model
-- kind: read
-- server: 15-18
-- column catalog integer
-- column object integer
-- column part integer
-- column kind text
-- column schema text null
-- column address text
-- column name text null
-- column up_catalog integer
-- column up_object integer
-- column up_part integer
-- column attrs text[]
SELECT 'pg_class'::regclass::int8 AS catalog,
       i.oid::int8 AS object,
       0::int8 AS part,
       'index' AS kind,
       n.nspname::text AS schema,
       format('INDEX %I.%I', n.nspname, i.relname) AS address,
       i.relname::text AS name,
       'pg_class'::regclass::int8 AS up_catalog,
       c.oid::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['definition', CASE WHEN i.relkind = 'I' THEN regexp_replace(d.text, ' ON ONLY ', ' ON ') ELSE d.text END,
             'online', CASE WHEN i.relkind <> 'i' THEN NULL
                            WHEN x.indisunique THEN 'CREATE UNIQUE INDEX CONCURRENTLY ' || substr(d.text, length('CREATE UNIQUE INDEX  '))
                            ELSE 'CREATE INDEX CONCURRENTLY ' || substr(d.text, length('CREATE INDEX  ')) END,
             'drop_online', CASE WHEN i.relkind = 'i' THEN format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, i.relname) END,
             'tablespace', quote_ident(s.spcname),
             'partitioned', CASE WHEN i.relkind = 'I' THEN 'yes' END,
             'invalid', CASE WHEN NOT x.indisvalid AND i.relkind = 'i' THEN 'INVALID' END] AS attrs
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class c ON c.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = i.relnamespace
  LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace,
       LATERAL (SELECT pg_get_indexdef(i.oid) AS text OFFSET 0) d -- once: it is what this costs
 WHERE c.relkind IN ('r', 'p', 'm')
   AND NOT i.relispartition
   AND c.relpersistence <> 't'
   AND i.oid NOT IN (SELECT k.conindid FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'x'))
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
