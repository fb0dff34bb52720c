-- summary: the types of columns, as a migration's own text has them
-- kind: read
-- server: 15-18
-- note: "app.orders.total" and "numeric(10,2)", arrays with "[]" behind; without a schema it is public's. Of a type that is none of the server's own nothing is said.
-- note: is_alone: for another type no CHECK is held against the rows again, and no index built anew that has an expression or
-- note: a condition; tables with partitions or children are not looked into.
-- note: schemas, tables and columns belong together, one of each.
-- param schemas text[]
-- param tables text[]
-- param columns text[]
-- column name text
-- column type text
-- column is_alone boolean
SELECT DISTINCT concat_ws('.', coalesce(nullif(n.schema, ''), 'public'), n.name, a.attname) AS name,
       concat(coalesce(e.typname, t.typname), substring(format_type(a.atttypid, a.atttypmod) FROM '\([-0-9,]+\)'),
              CASE WHEN e.oid IS NOT NULL THEN '[]' END) AS type,
       NOT c.relhassubclass
         AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND a.attnum = ANY (k.conkey))
         AND NOT EXISTS (SELECT
                           FROM pg_depend d
                           JOIN pg_index x ON x.indexrelid = d.objid
                          WHERE d.classid = 'pg_class'::regclass
                            AND d.refclassid = 'pg_class'::regclass
                            AND d.refobjid = c.oid
                            AND d.refobjsubid = a.attnum
                            AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL OR NOT x.indisvalid)) AS is_alone
  FROM unnest(:schemas::text[], :tables::text[], :columns::text[]) n (schema, name, part)
  JOIN pg_attribute a
    ON a.attrelid = to_regclass(CASE WHEN n.schema <> '' THEN quote_ident(n.schema) || '.' ELSE '' END || quote_ident(n.name))::oid
   AND a.attname = n.part
   AND a.attnum > 0
   AND NOT a.attisdropped
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
 WHERE t.typtype = 'b'
   AND t.typnamespace = 'pg_catalog'::regnamespace
