-- summary: the real sizes of the tables that a text names, or else of the largest ones
-- kind: read
-- server: 15-18
-- note: words: lower case, a blank around each. The size of one that is dropped meanwhile is null.
-- param words text
-- column schema text
-- column name text
-- column is_named boolean
-- column total_bytes integer null
-- column index_bytes integer null
-- column database_bytes integer
SELECT t.nspname AS schema,
       t.relname AS name,
       t.is_named,
       pg_total_relation_size(t.oid) AS total_bytes,
       pg_indexes_size(t.oid) AS index_bytes,
       pg_database_size(current_database()) AS database_bytes
  FROM (SELECT c.oid, n.nspname, c.relname,
               strpos(:words, ' ' || lower(c.relname) || ' ') > 0 AS is_named, c.relpages
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'm')
           AND c.relpersistence <> 't'
           AND n.nspname NOT IN ('pg_catalog', 'information_schema')
         ORDER BY is_named DESC, c.relpages DESC, c.oid
         LIMIT 5) t
 ORDER BY t.is_named DESC, total_bytes DESC NULLS LAST, t.oid
