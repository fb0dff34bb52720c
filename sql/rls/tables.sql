-- summary: the tables that tenants share, by name or by the column that tells tenants apart, with what guards them now
-- kind: read
-- server: 15-18
-- note: a table that was asked for and is not there comes with nothing but that name. Partitions are not looked for: they
-- note: are reached through their table, and nobody is given rights on them; those that there are, are in parts.sql.
-- param tables text[]
-- param schemas text[]
-- param key_name text
-- column asked text null
-- column id integer null
-- column schema text null
-- column name text null
-- column kind text null
-- column persistence text null
-- column owner text null
-- column owner_is_exempt boolean null
-- column enabled boolean null
-- column forced boolean null
-- column key_type text null
-- column has_index boolean
-- column invalid_index text null
-- column rows number null
SELECT w.asked AS asked,
       c.oid::int8 AS id,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       o.rolname::text AS owner,
       o.rolsuper OR o.rolbypassrls AS owner_is_exempt,
       c.relrowsecurity AS enabled,
       c.relforcerowsecurity AS forced,
       format_type(k.atttypid, k.atttypmod) AS key_type,
       EXISTS (SELECT
                 FROM pg_index i
                WHERE i.indrelid = c.oid
                  AND i.indisvalid
                  AND i.indpred IS NULL
                  AND i.indkey[0] = k.attnum) AS has_index,
       (SELECT i.indexrelid::regclass::text
          FROM pg_index i
         WHERE i.indrelid = c.oid
           AND NOT i.indisvalid
           AND i.indkey[0] = k.attnum
           AND c.relkind = 'r'
         LIMIT 1) AS invalid_index,
       c.reltuples::float8 AS rows
  FROM (SELECT t.asked AS asked, to_regclass(t.asked)::oid AS id
          FROM unnest(:tables) AS t (asked)
        UNION ALL
        SELECT NULL, f.oid
          FROM pg_class f
          JOIN pg_namespace s ON s.oid = f.relnamespace
          JOIN pg_attribute a ON a.attrelid = f.oid AND a.attname = :key_name AND NOT a.attisdropped
         WHERE cardinality(:tables) = 0
           AND s.nspname = ANY (:schemas)
           AND f.relkind IN ('r', 'p')
           AND f.relpersistence <> 't'
           AND NOT f.relispartition
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = f.oid AND d.deptype = 'e')) w
  LEFT JOIN pg_class c ON c.oid = w.id
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_roles o ON o.oid = c.relowner
  LEFT JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = :key_name AND k.attnum > 0 AND NOT k.attisdropped
 ORDER BY schema, name, asked
