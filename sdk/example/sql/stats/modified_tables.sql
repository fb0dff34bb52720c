-- summary: tables from a size on, with the rows that changed since their statistics were taken
-- kind: read
-- server: 15-18
-- param min_rows integer
-- column schema text
-- column name text
-- column live_rows integer
-- column modified_rows integer
-- column last_analyze timestamp null
SELECT s.schemaname AS schema,
       s.relname AS name,
       s.n_live_tup AS live_rows,
       s.n_mod_since_analyze AS modified_rows,
       greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze
  FROM pg_stat_user_tables s
 WHERE s.n_live_tup >= :min_rows
 ORDER BY modified_rows DESC, schema, name
