-- summary: schemas and extensions as objects of the model
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
SELECT 'pg_namespace'::regclass::int8 AS catalog,
       n.oid::int8 AS object,
       0::int8 AS part,
       'schema' AS kind,
       n.nspname::text AS schema,
       format('SCHEMA %I', n.nspname) AS address,
       n.nspname::text AS name,
       0::int8 AS up_catalog,
       0::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['owner', quote_ident(pg_get_userbyid(n.nspowner)),
             'create', format('CREATE SCHEMA %I', n.nspname)] AS attrs
  FROM pg_namespace n
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND n.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND deptype = 'e')
 UNION ALL
SELECT 'pg_extension'::regclass::int8,
       e.oid::int8,
       0,
       'extension',
       NULL,
       format('EXTENSION %I', e.extname),
       e.extname::text,
       0,
       0,
       0,
       ARRAY['home', quote_ident(n.nspname),
             'version', quote_literal(e.extversion),
             'create', format('CREATE EXTENSION %I SCHEMA %I VERSION %L', e.extname, n.nspname, e.extversion)]
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
