-- summary: what the tables of this database have done, summed
-- kind: read
-- server: 15-18
-- note: a dropped table takes its counts with it: the sums may fall.
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH d AS (
  SELECT sum(s.seq_scan)::numeric AS seq_scan,
         sum(s.seq_tup_read)::numeric AS seq_tup_read,
         sum(s.idx_scan)::numeric AS idx_scan,
         sum(s.n_tup_ins)::numeric AS n_tup_ins,
         sum(s.n_tup_upd)::numeric AS n_tup_upd,
         sum(s.n_tup_hot_upd)::numeric AS n_tup_hot_upd,
         sum(s.n_tup_del)::numeric AS n_tup_del,
         sum(s.vacuum_count)::numeric AS vacuum_count,
         sum(s.autovacuum_count)::numeric AS autovacuum_count,
         sum(s.analyze_count)::numeric AS analyze_count,
         sum(s.autoanalyze_count)::numeric AS autoanalyze_count,
         sum(s.n_live_tup)::numeric AS n_live_tup,
         sum(s.n_dead_tup)::numeric AS n_dead_tup,
         count(*)::numeric AS tables,
         (SELECT b.stats_reset FROM pg_stat_database b WHERE b.datname = current_database()) AS stats_reset
    FROM pg_stat_user_tables s
)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('seq_scans', d.seq_scan),
         ('seq_tuples_read', d.seq_tup_read),
         ('index_scans', d.idx_scan),
         ('table_tuples_inserted', d.n_tup_ins),
         ('table_tuples_updated', d.n_tup_upd),
         ('table_tuples_hot_updated', d.n_tup_hot_upd),
         ('table_tuples_deleted', d.n_tup_del),
         ('vacuum_runs', d.vacuum_count),
         ('autovacuum_runs', d.autovacuum_count),
         ('analyze_runs', d.analyze_count),
         ('autoanalyze_runs', d.autoanalyze_count),
         ('live_tuples', d.n_live_tup),
         ('dead_tuples', d.n_dead_tup),
         ('tables', d.tables)
 ) AS v (metric, value)
