-- summary: what else would happen if rows of a table were written: triggers and rules of people, of partitions too
-- kind: read
-- server: 15-18
-- param schema text
-- param table text
-- column triggers integer
-- column rules integer
WITH tree AS (
    SELECT c.oid AS id
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = :schema
       AND c.relname = :table
     UNION
    SELECT t.relid::oid
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL pg_partition_tree(c.oid) t
     WHERE n.nspname = :schema
       AND c.relname = :table
)
SELECT (SELECT count(*) FROM pg_trigger g JOIN tree ON tree.id = g.tgrelid WHERE NOT g.tgisinternal) AS triggers,
       (SELECT count(*) FROM pg_rewrite r JOIN tree ON tree.id = r.ev_class) AS rules
