-- summary: how a table and one of its indexes stand now: what a remedy has left there, and the counters it is judged by
-- kind: read
-- server: 15-18
-- note: an index that is not there, or not valid, is null; tended is when the table was last vacuumed or analyzed.
-- param schema text
-- param table text
-- param index text null
-- column autovacuum text null
-- column due integer
-- column tended timestamp null
-- column seq_scans integer
-- column index_scans integer null
-- column definition text null
SELECT (SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'autovacuum_enabled') AS autovacuum,
       coalesce(pg_stat_get_dead_tuples(c.oid), 0) + coalesce(pg_stat_get_mod_since_analyze(c.oid), 0) AS due,
       greatest(pg_stat_get_last_autovacuum_time(c.oid),
                pg_stat_get_last_autoanalyze_time(c.oid),
                pg_stat_get_last_vacuum_time(c.oid),
                pg_stat_get_last_analyze_time(c.oid)) AS tended,
       coalesce(pg_stat_get_numscans(c.oid), 0) AS seq_scans,
       pg_stat_get_numscans(i.oid) AS index_scans,
       pg_get_indexdef(i.oid) AS definition
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN (pg_index x JOIN pg_class i ON i.oid = x.indexrelid AND x.indisvalid)
    ON x.indrelid = c.oid
   AND i.relname = :index
 WHERE n.nspname = :schema
   AND c.relname = :table
