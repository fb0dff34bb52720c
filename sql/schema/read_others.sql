-- summary: objects of kinds that the model only counts: operators, casts, text search, languages, access methods, subscriptions
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
WITH found AS (
    SELECT 'pg_operator'::regclass::oid AS catalog, x.oid FROM pg_operator x
     UNION ALL
    SELECT 'pg_opclass'::regclass::oid AS catalog, x.oid FROM pg_opclass x
     UNION ALL
    SELECT 'pg_opfamily'::regclass::oid AS catalog, x.oid FROM pg_opfamily x
     UNION ALL
    SELECT 'pg_cast'::regclass::oid AS catalog, x.oid FROM pg_cast x
     UNION ALL
    SELECT 'pg_conversion'::regclass::oid AS catalog, x.oid FROM pg_conversion x
     UNION ALL
    SELECT 'pg_ts_config'::regclass::oid AS catalog, x.oid FROM pg_ts_config x
     UNION ALL
    SELECT 'pg_ts_dict'::regclass::oid AS catalog, x.oid FROM pg_ts_dict x
     UNION ALL
    SELECT 'pg_ts_parser'::regclass::oid AS catalog, x.oid FROM pg_ts_parser x
     UNION ALL
    SELECT 'pg_ts_template'::regclass::oid AS catalog, x.oid FROM pg_ts_template x
     UNION ALL
    SELECT 'pg_transform'::regclass::oid AS catalog, x.oid FROM pg_transform x
     UNION ALL
    SELECT 'pg_language'::regclass::oid AS catalog, x.oid FROM pg_language x
     UNION ALL
    SELECT 'pg_am'::regclass::oid AS catalog, x.oid FROM pg_am x
)
SELECT f.catalog::int8 AS catalog,
       f.oid::int8 AS object,
       0::int8 AS part,
       'other' AS kind,
       i.schema AS schema,
       upper(i.type) || ' ' || i.identity AS address,
       NULL::text AS name,
       0::int8 AS up_catalog,
       0::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY[]::text[] AS attrs
  FROM found f, pg_identify_object(f.catalog, f.oid, 0) i
 WHERE f.oid >= 16384
   AND (i.schema IS NULL OR i.schema !~ '^pg_' AND i.schema <> 'information_schema')
   AND (f.catalog, f.oid) NOT IN (SELECT e.classid, e.objid FROM pg_depend e WHERE e.deptype = 'e')
 UNION ALL
SELECT 'pg_subscription'::regclass::int8,
       s.oid::int8,
       0,
       'other',
       NULL,
       format('SUBSCRIPTION %I', s.subname),
       NULL,
       0,
       0,
       0,
       ARRAY[]::text[]
  FROM pg_subscription s
 WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
