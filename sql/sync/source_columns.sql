-- summary: columns of a table with their types and places in its primary key
-- kind: read
-- server: 15-18
-- param schema text
-- param name text
-- column name text
-- column type text
-- column key_place integer null
-- column kind text
-- column encoding text
-- column readable boolean
SELECT a.attname::text AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       array_position(i.indkey::int2[], a.attnum)::int8 AS key_place,
       c.relkind::text AS kind,
       current_setting('server_encoding') AS encoding,
       has_table_privilege(c.oid, 'SELECT') AS readable
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
 WHERE n.nspname = :schema
   AND c.relname = :name
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
 ORDER BY a.attnum
