-- summary: how many partitions a table has, at all levels, and what its index says behind the table's name
-- kind: read
-- server: 15-18
-- note: without an index there is no body. One that is about to be detached counts, and has no place in the catalogue
-- note: of tables that the tools read, as foreign tables have none: so that who counts there sees that they are missing.
-- param table_id integer as oid
-- param index_id integer as oid null
-- column parts integer
-- column body text null
WITH RECURSIVE tree AS (
    SELECT i.inhrelid
      FROM pg_inherits i
     WHERE i.inhparent = :table_id
 UNION ALL
    SELECT i.inhrelid
      FROM pg_inherits i
      JOIN tree t ON i.inhparent = t.inhrelid
)
SELECT (SELECT count(*) FROM tree) AS parts,
       (SELECT substr(pg_get_indexdef(c.oid),
                      length(format('CREATE INDEX %I ON ONLY %I.%I ', c.relname, n.nspname, t.relname)) + 1)
          FROM pg_class c
          JOIN pg_index x ON x.indexrelid = c.oid
          JOIN pg_class t ON t.oid = x.indrelid
          JOIN pg_namespace n ON n.oid = t.relnamespace
         WHERE c.oid = :index_id) AS body
