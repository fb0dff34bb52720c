-- summary: WAL that was written
-- kind: read
-- server: 15-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
-- variant: 15-17
WITH d AS (SELECT * FROM pg_stat_wal)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('wal_records', d.wal_records),
         ('wal_full_page_images', d.wal_fpi),
         ('wal_bytes', d.wal_bytes),
         ('wal_buffers_full', d.wal_buffers_full),
         ('wal_writes', d.wal_write),
         ('wal_syncs', d.wal_sync),
         ('wal_write_time', d.wal_write_time::numeric),
         ('wal_sync_time', d.wal_sync_time::numeric)
 ) AS v (metric, value)
-- variant: 18
WITH d AS (SELECT * FROM pg_stat_wal)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('wal_records', d.wal_records),
         ('wal_full_page_images', d.wal_fpi),
         ('wal_bytes', d.wal_bytes),
         ('wal_buffers_full', d.wal_buffers_full)
 ) AS v (metric, value)
