-- summary: reads, writes and hits by the kind of process that made them
-- kind: read
-- server: 16-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
-- variant: 16-17
WITH d AS (
  SELECT s.backend_type,
         sum(s.hits)::numeric AS hits,
         sum(s.reads)::numeric AS reads,
         sum(s.writes)::numeric AS writes,
         sum(s.extends)::numeric AS extends,
         sum(s.evictions)::numeric AS evictions,
         sum(s.fsyncs)::numeric AS fsyncs,
         sum(s.reads * s.op_bytes)::numeric AS read_bytes,
         sum(s.writes * s.op_bytes)::numeric AS write_bytes,
         sum(s.read_time)::numeric AS read_time,
         sum(s.write_time)::numeric AS write_time,
         max(s.stats_reset) AS stats_reset
    FROM pg_stat_io s
   GROUP BY s.backend_type
)
SELECT v.metric,
       v.value::numeric AS value,
       d.backend_type AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('io_hits', d.hits),
         ('io_reads', d.reads),
         ('io_writes', d.writes),
         ('io_extends', d.extends),
         ('io_evictions', d.evictions),
         ('io_fsyncs', d.fsyncs),
         ('io_read_bytes', d.read_bytes),
         ('io_write_bytes', d.write_bytes),
         ('io_read_time', d.read_time),
         ('io_write_time', d.write_time)
 ) AS v (metric, value)
 WHERE v.value <> 0
-- variant: 18
WITH d AS (
  SELECT s.backend_type,
         sum(s.hits)::numeric AS hits,
         sum(s.reads)::numeric AS reads,
         sum(s.writes)::numeric AS writes,
         sum(s.extends)::numeric AS extends,
         sum(s.evictions)::numeric AS evictions,
         sum(s.fsyncs)::numeric AS fsyncs,
         sum(s.read_bytes)::numeric AS read_bytes,
         sum(s.write_bytes)::numeric AS write_bytes,
         sum(s.read_time)::numeric AS read_time,
         sum(s.write_time)::numeric AS write_time,
         max(s.stats_reset) AS stats_reset
    FROM pg_stat_io s
   GROUP BY s.backend_type
)
SELECT v.metric,
       v.value::numeric AS value,
       d.backend_type AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('io_hits', d.hits),
         ('io_reads', d.reads),
         ('io_writes', d.writes),
         ('io_extends', d.extends),
         ('io_evictions', d.evictions),
         ('io_fsyncs', d.fsyncs),
         ('io_read_bytes', d.read_bytes),
         ('io_write_bytes', d.write_bytes),
         ('io_read_time', d.read_time),
         ('io_write_time', d.write_time)
 ) AS v (metric, value)
 WHERE v.value <> 0
