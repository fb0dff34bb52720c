-- summary: constraints of tables and domains as objects of the model
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
SELECT 'pg_constraint'::regclass::int8 AS catalog,
       k.oid::int8 AS object,
       0::int8 AS part,
       CASE k.contype WHEN 'f' THEN 'foreign_key' ELSE 'constraint' END AS kind,
       n.nspname::text AS schema,
       format('CONSTRAINT %I ON %I.%I', k.conname, n.nspname, c.relname) AS address,
       k.conname::text AS name,
       'pg_class'::regclass::int8 AS up_catalog,
       c.oid::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['body', regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''),
             'validated', CASE WHEN NOT k.convalidated THEN 'NOT VALID' END,
             'type', CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'x' THEN 'exclusion'
                                    WHEN 'f' THEN 'foreign key' ELSE 'check' END,
             'tablespace', quote_ident(s.spcname),
             'index_address', CASE WHEN i.oid IS NOT NULL THEN format('INDEX %I.%I', n.nspname, i.relname) END,
             'online', CASE WHEN k.convalidated AND (k.contype = 'c' OR k.contype = 'f' AND c.relkind = 'r')
                            THEN format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s NOT VALID', n.nspname, c.relname, k.conname,
                                        pg_get_constraintdef(k.oid)) END,
             'create', format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, k.conname,
                              pg_get_constraintdef(k.oid)),
             'drop', format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, c.relname, k.conname)] AS attrs
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class i ON i.oid = k.conindid AND k.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
 WHERE k.contype IN ('p', 'u', 'x', 'c', 'f')
   AND k.conparentid = 0
   AND (k.conislocal OR k.coninhcount = 0)
   AND NOT (k.coninhcount > 0 AND c.relispartition)
   AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
 UNION ALL
SELECT 'pg_constraint'::regclass::int8,
       k.oid::int8,
       0,
       'domain_constraint',
       n.nspname::text,
       format('CONSTRAINT %I ON DOMAIN %I.%I', k.conname, n.nspname, t.typname),
       k.conname::text,
       'pg_type'::regclass::int8,
       t.oid::int8,
       0,
       ARRAY['body', regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''),
             'validated', CASE WHEN NOT k.convalidated THEN 'NOT VALID' END,
             'create', format('ALTER DOMAIN %I.%I ADD CONSTRAINT %I %s', n.nspname, t.typname, k.conname,
                              pg_get_constraintdef(k.oid)),
             'drop', format('ALTER DOMAIN %I.%I DROP CONSTRAINT %I', n.nspname, t.typname, k.conname)]
  FROM pg_constraint k
  JOIN pg_type t ON t.oid = k.contypid
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE k.contype = 'c'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_type'::regclass AND deptype = 'e')
