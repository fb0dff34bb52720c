-- summary: the types of columns, as a migration's own text has them
-- kind: read
-- server: 15-18
-- note: "app.orders.total" and "numeric(10,2)", arrays with "[]" behind; without a schema it is public's. Of a type that is none of the server's own nothing is said.
-- note: schemas, tables and columns belong together, one of each.
-- param schemas text[]
-- param tables text[]
-- param columns text[]
-- column name text
-- column type text
SELECT DISTINCT concat_ws('.', coalesce(nullif(n.schema, ''), 'public'), n.name, a.attname) AS name,
       concat(coalesce(e.typname, t.typname), substring(format_type(a.atttypid, a.atttypmod) FROM '\([-0-9,]+\)'),
              CASE WHEN e.oid IS NOT NULL THEN '[]' END) AS type
  FROM unnest(:schemas::text[], :tables::text[], :columns::text[]) n (schema, name, part)
  JOIN pg_attribute a
    ON a.attrelid = to_regclass(CASE WHEN n.schema <> '' THEN quote_ident(n.schema) || '.' ELSE '' END || quote_ident(n.name))::oid
   AND a.attname = n.part
   AND a.attnum > 0
   AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
 WHERE t.typtype = 'b'
   AND t.typnamespace = 'pg_catalog'::regnamespace
