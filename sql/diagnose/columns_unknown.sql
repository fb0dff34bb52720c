-- summary: columns of some tables of which ANALYZE is told to keep no statistics
-- kind: read
-- server: 15-18
-- param names text[]
-- column table_label text
-- column column_name text
-- column alter_statement text
SELECT format('%s.%s', n.nspname, c.relname) AS table_label,
       a.attname::text AS column_name,
       format('ALTER TABLE %I.%I ALTER COLUMN %I SET STATISTICS -1', n.nspname, c.relname, a.attname) AS alter_statement
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE a.attnum > 0
   AND NOT a.attisdropped
   AND a.attstattarget = 0
   AND c.relkind IN ('r', 'p', 'm')
   AND format('%s.%s', n.nspname, c.relname) = ANY (:names)
 ORDER BY table_label, a.attnum
