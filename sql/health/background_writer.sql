-- summary: what the background writer wrote
-- kind: read
-- server: 15-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
-- variant: 15-16
WITH d AS (SELECT * FROM pg_stat_bgwriter)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('buffers_clean', d.buffers_clean),
         ('maxwritten_clean', d.maxwritten_clean),
         ('buffers_allocated', d.buffers_alloc),
         ('buffers_backend', d.buffers_backend),
         ('buffers_backend_fsync', d.buffers_backend_fsync)
 ) AS v (metric, value)
-- variant: 17-18
WITH d AS (SELECT * FROM pg_stat_bgwriter)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('buffers_clean', d.buffers_clean),
         ('maxwritten_clean', d.maxwritten_clean),
         ('buffers_allocated', d.buffers_alloc)
 ) AS v (metric, value)
