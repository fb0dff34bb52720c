-- summary: the table that a statement means by a name, which part of its pages gives rows from all over it, and its arrays
-- kind: read
-- server: 15-18
-- note: a name without a schema is found as the session would find it.
-- param schema text null
-- param table text
-- param pages integer
-- column schema text
-- column name text
-- column percent number
-- column arrays json
SELECT n.nspname::text AS schema, c.relname::text AS name,
       CASE WHEN c.relkind = 'p' OR c.relpages <= :pages THEN 100.0 ELSE 100.0 * :pages / c.relpages END::float8 AS percent,
       (SELECT coalesce(json_object_agg(a.attname, true), '{}')
          FROM pg_attribute a
          JOIN pg_type y ON y.oid = a.atttypid
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND y.typcategory = 'A') AS arrays
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = to_regclass(CASE WHEN :schema::text IS NULL THEN quote_ident(:table)
                                ELSE quote_ident(:schema::text) || '.' || quote_ident(:table) END)
   AND c.relkind IN ('r', 'm', 'p')
