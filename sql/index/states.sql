-- summary: what tables are, as a digest of each: their columns, constraints and indexes; of one, or of all
-- kind: read
-- server: 15-18
-- note: what a trial on a branch rests on. From the catalogues alone: nothing waits for a table's lock.
-- param table_id integer null
-- column table_id integer
-- column state text
SELECT c.oid::int8 AS table_id,
       md5(concat_ws(E'\n', c.relnamespace, c.relname, c.relkind, c.relpersistence,
             (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull,
                                          a.attidentity, a.attgenerated, d.adbin::text), E'\n' ORDER BY a.attnum)
                FROM pg_attribute a
                LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
             (SELECT string_agg(concat_ws(' ', n.conname, n.contype, n.convalidated, n.conkey, n.confrelid, n.confkey,
                                          n.conbin::text), E'\n' ORDER BY n.conname)
                FROM pg_constraint n
               WHERE n.conrelid = c.oid),
             (SELECT string_agg(concat_ws(' ', i.relname, i.relam, x.indisunique, x.indisvalid, x.indkey, x.indclass,
                                          x.indcollation, x.indoption, x.indexprs::text, x.indpred::text),
                                E'\n' ORDER BY i.relname)
                FROM pg_index x
                JOIN pg_class i ON i.oid = x.indexrelid
               WHERE x.indrelid = c.oid))) AS state
  FROM pg_class c
  JOIN pg_namespace s ON s.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 'p')
   AND c.relpersistence <> 't'
   AND s.nspname NOT IN ('pg_catalog', 'information_schema')
   AND s.nspname !~ '^pg_(toast|temp_)'
   AND (:table_id::int8 IS NULL OR c.oid = :table_id::int8)
 ORDER BY table_id
