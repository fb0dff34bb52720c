-- summary: WAL files that were archived, and that could not be
-- kind: read
-- server: 15-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH d AS (SELECT * FROM pg_stat_archiver)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('wal_archived', d.archived_count),
         ('wal_archive_failures', d.failed_count)
 ) AS v (metric, value)
