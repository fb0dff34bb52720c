-- summary: the largest tables and those that changed most: rows, scans, statistics, and when autovacuum would come
-- kind: read
-- server: 15-18
-- note: sizes are what the last vacuum or analyze saw, and a tenth of the rows stands for a table that none has seen:
-- note: asking for real sizes takes a lock on each table, which a diagnosis must not wait for.
-- param most integer
-- column schema text
-- column name text
-- column bytes integer
-- column rows_known number
-- column live integer
-- column dead integer
-- column modified integer
-- column seq_scans integer
-- column seq_rows integer
-- column index_scans integer
-- column blocks_read integer
-- column last_vacuum timestamp null
-- column last_analyze timestamp null
-- column enabled boolean
-- column vacuum_trigger number
-- column analyze_trigger number
WITH d AS (
  SELECT c.oid, s.schemaname, s.relname, c.relpages::int8 * current_setting('block_size')::int8 AS bytes,
         greatest(CASE WHEN c.reltuples < 0 THEN s.n_live_tup ELSE c.reltuples END, 0)::float8 AS rows_known,
         s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze, s.seq_scan, s.seq_tup_read, s.idx_scan,
         pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid) AS blocks_read,
         greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum,
         greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze,
         (SELECT jsonb_object_agg(o.option_name, o.option_value) FROM pg_options_to_table(c.reloptions) o) AS options
    FROM pg_stat_user_tables s
    JOIN pg_class c ON c.oid = s.relid
   WHERE c.relkind IN ('r', 'm')
     AND c.relpersistence <> 't'
)
SELECT d.schemaname::text AS schema,
       d.relname::text AS name,
       d.bytes,
       d.rows_known,
       d.n_live_tup AS live,
       d.n_dead_tup AS dead,
       d.n_mod_since_analyze AS modified,
       coalesce(d.seq_scan, 0) AS seq_scans,
       coalesce(d.seq_tup_read, 0) AS seq_rows,
       coalesce(d.idx_scan, 0) AS index_scans,
       d.blocks_read,
       d.last_vacuum,
       d.last_analyze,
       coalesce((d.options ->> 'autovacuum_enabled')::bool, true) AS enabled,
       coalesce((d.options ->> 'autovacuum_vacuum_threshold')::float8, current_setting('autovacuum_vacuum_threshold')::float8)
         + coalesce((d.options ->> 'autovacuum_vacuum_scale_factor')::float8,
                    current_setting('autovacuum_vacuum_scale_factor')::float8) * d.rows_known AS vacuum_trigger,
       coalesce((d.options ->> 'autovacuum_analyze_threshold')::float8, current_setting('autovacuum_analyze_threshold')::float8)
         + coalesce((d.options ->> 'autovacuum_analyze_scale_factor')::float8,
                    current_setting('autovacuum_analyze_scale_factor')::float8) * d.rows_known AS analyze_trigger
  FROM d
 ORDER BY greatest(d.bytes, (d.n_live_tup + d.n_dead_tup + d.n_mod_since_analyze) * 100) DESC, d.oid
 LIMIT :most
