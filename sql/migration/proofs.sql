-- summary: validated CHECKs by which columns hold no NULL, so that SET NOT NULL reads no row
-- kind: read
-- server: 15-18
-- note: "app.orders.total" and "app.orders.total_there", with the table as it was given.
-- note: schemas, tables and columns belong together, one of each.
-- param schemas text[]
-- param tables text[]
-- param columns text[]
-- column name text
-- column proof text
SELECT concat_ws('.', nullif(n.schema, ''), n.name, n.part) AS name,
       concat_ws('.', nullif(n.schema, ''), n.name, min(k.conname)) AS proof
  FROM unnest(:schemas::text[], :tables::text[], :columns::text[]) n (schema, name, part)
  JOIN pg_constraint k
    ON k.conrelid = to_regclass(CASE WHEN n.schema <> '' THEN quote_ident(n.schema) || '.' ELSE '' END || quote_ident(n.name))::oid
   AND k.contype = 'c'
   AND k.convalidated
   AND NOT k.connoinherit
   AND pg_get_constraintdef(k.oid) = format('CHECK ((%I IS NOT NULL))', n.part)
 GROUP BY n.schema, n.name, n.part
