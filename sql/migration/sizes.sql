-- summary: what tables hold, with their partitions, as far as it is known without a look at them
-- kind: read
-- server: 15-18
-- note: to ask for the size of now is to wait for whoever has locked the table. The pages are those of the last VACUUM or ANALYZE; what came since is counted in rows, 256 bytes each.
-- note: a name that is not there yet holds nothing. Behind a view or a foreign table stands what nobody knows.
-- param schemas text[]
-- param names text[]
-- column bytes integer
-- column is_known boolean
WITH RECURSIVE named AS (
  SELECT to_regclass(CASE WHEN n.schema <> '' THEN quote_ident(n.schema) || '.' ELSE '' END || quote_ident(n.name))::oid AS id
    FROM unnest(:schemas::text[], :names::text[]) n (schema, name)
), tables AS (
  SELECT n.id FROM named n WHERE n.id IS NOT NULL
   UNION
  SELECT i.inhrelid FROM tables t JOIN pg_inherits i ON i.inhparent = t.id
)
SELECT coalesce(sum(greatest(c.relpages::int8 * current_setting('block_size')::int8,
                             coalesce(pg_stat_get_live_tuples(c.oid), 0) * 256)
                    + coalesce(o.relpages, 0)::int8 * current_setting('block_size')::int8), 0)::int8 AS bytes,
       coalesce(bool_and(c.relkind IN ('p', 'I', 'S')
                         OR (c.relkind IN ('r', 'm', 'i', 't')
                             AND (c.reltuples >= 0 OR pg_stat_get_live_tuples(c.oid) > 0))), true) AS is_known
  FROM tables t
  JOIN pg_class c ON c.oid = t.id
  LEFT JOIN pg_class o ON o.oid = c.reltoastrelid
