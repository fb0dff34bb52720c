-- summary: the table that a statement names: what it is, and how many rows it has as far as that is known
-- kind: read
-- server: 15-18
-- param schema text
-- param name text
-- column table_id integer
-- column schema text
-- column name text
-- column is_plain boolean
-- column rows integer
SELECT c.oid::int8 AS table_id, n.nspname::text AS schema, c.relname::text AS name,
       c.relkind = 'p' OR (c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)) AS is_plain,
       (SELECT coalesce(sum(greatest(p.reltuples, pg_stat_get_live_tuples(p.oid), 0)), 0)::int8
          FROM pg_class p
         WHERE p.relkind = 'r'
           AND (p.oid = c.oid OR p.oid IN (SELECT t.relid FROM pg_partition_tree(c.oid) t))) AS rows
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = to_regclass(concat(quote_ident(nullif(:schema, '')) || '.', quote_ident(:name)))
