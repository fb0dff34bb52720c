-- summary: tables whose names stand in a text, each with its indexes
-- kind: read
-- server: 15-18
-- note: words: lower case, a blank around each. object: the table itself, and each of its indexes.
-- param words text
-- column schema text
-- column name text
-- column object text
SELECT n.nspname AS schema,
       c.relname AS name,
       format('%I.%I', n.nspname, o.relname) AS object
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN LATERAL (SELECT c.relname
                 UNION ALL
                SELECT x.relname
                  FROM pg_index i
                  JOIN pg_class x ON x.oid = i.indexrelid
                 WHERE i.indrelid = c.oid) o ON true
 WHERE c.relkind IN ('r', 'm', 'p')
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND strpos(:words, ' ' || lower(c.relname) || ' ') > 0
 ORDER BY n.nspname, c.relname, object
 LIMIT 400
