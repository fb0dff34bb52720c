-- summary: which of these tables and indexes are partitioned, and what takes the rows that have no partition
-- kind: read
-- server: 15-18
-- param schemas text[]
-- param names text[]
-- column schema text
-- column name text
-- column default_partition text null
SELECT n.schema AS schema,
       n.name AS name,
       nullif(p.partdefid, 0)::regclass::text AS default_partition
  FROM unnest(:schemas::text[], :names::text[]) n (schema, name)
  JOIN pg_class c
    ON c.relkind IN ('p', 'I')
   AND c.oid = to_regclass(CASE WHEN n.schema <> '' THEN quote_ident(n.schema) || '.' ELSE '' END || quote_ident(n.name))::oid
  LEFT JOIN pg_partitioned_table p
    ON p.partrelid = c.oid
