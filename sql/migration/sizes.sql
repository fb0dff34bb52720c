-- summary: what tables hold, with their partitions and the tables whose rows go or change along with theirs, as far as it is known without a look at them
-- kind: read
-- server: 15-18
-- note: to ask for the size of now is to wait for whoever has locked the table. The pages are those of the last VACUUM or ANALYZE; what came since is counted in rows, 256 bytes each.
-- note: a name that is not there yet holds nothing. Behind a view or a foreign table stands what nobody knows.
-- note: where rows are deleted, keys that reference them may delete theirs (and so on) or empty them; how many is not known.
-- param schemas text[]
-- param names text[]
-- param deletes boolean
-- column bytes integer
-- column is_known boolean
WITH RECURSIVE named AS (
  SELECT to_regclass(CASE WHEN n.schema <> '' THEN quote_ident(n.schema) || '.' ELSE '' END || quote_ident(n.name))::oid AS id
    FROM unnest(:schemas::text[], :names::text[]) n (schema, name)
), below AS (
  SELECT i.inhparent AS upper, i.inhrelid AS id, false AS is_key, true AS goes_on FROM pg_inherits i
   UNION ALL
  SELECT k.confrelid, k.conrelid, true, k.confdeltype = 'c'
    FROM pg_constraint k
   WHERE :deletes::boolean
     AND k.contype = 'f'
     AND k.confdeltype IN ('c', 'n', 'd')
), tables AS (
  SELECT n.id, :deletes::boolean AS goes FROM named n WHERE n.id IS NOT NULL
   UNION
  SELECT b.id, t.goes AND b.goes_on FROM tables t JOIN below b ON b.upper = t.id AND (t.goes OR NOT b.is_key)
)
SELECT coalesce(sum(greatest(c.relpages::int8 * current_setting('block_size')::int8,
                             coalesce(pg_stat_get_live_tuples(c.oid), 0) * 256)
                    + coalesce(o.relpages, 0)::int8 * current_setting('block_size')::int8), 0)::int8 AS bytes,
       coalesce(bool_and(c.relkind IN ('p', 'I', 'S')
                         OR (c.relkind IN ('r', 'm', 'i', 't')
                             AND (c.reltuples >= 0 OR pg_stat_get_live_tuples(c.oid) > 0))), true) AS is_known
  FROM (SELECT DISTINCT id FROM tables) t
  JOIN pg_class c ON c.oid = t.id
  LEFT JOIN pg_class o ON o.oid = c.reltoastrelid
