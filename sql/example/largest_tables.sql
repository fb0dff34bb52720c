-- summary: tables above a size, largest first, with their last use and maintenance
-- kind: read
-- server: 15-18
-- note: last_seq_scan came with version 16; before it the column is null.
-- param min_bytes integer
-- column schema text
-- column name text
-- column bytes integer
-- column live_rows integer
-- column dead_rows integer
-- column last_vacuum timestamp null
-- column last_seq_scan timestamp null
-- variant: 15
SELECT s.schemaname AS schema,
       s.relname AS name,
       pg_total_relation_size(s.relid) AS bytes,
       s.n_live_tup AS live_rows,
       s.n_dead_tup AS dead_rows,
       greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum,
       NULL::timestamptz AS last_seq_scan
  FROM pg_stat_user_tables s
 WHERE pg_total_relation_size(s.relid) >= :min_bytes
 ORDER BY bytes DESC, schema, name
-- variant: 16-18
SELECT s.schemaname AS schema,
       s.relname AS name,
       pg_total_relation_size(s.relid) AS bytes,
       s.n_live_tup AS live_rows,
       s.n_dead_tup AS dead_rows,
       greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum,
       s.last_seq_scan AS last_seq_scan
  FROM pg_stat_user_tables s
 WHERE pg_total_relation_size(s.relid) >= :min_bytes
 ORDER BY bytes DESC, schema, name
