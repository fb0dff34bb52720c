-- summary: WAL files that were archived, and that could not be, and whether the last attempt failed
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
       v.detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('wal_archived', d.archived_count, NULL::jsonb),
         ('wal_archive_failures', d.failed_count,
          jsonb_build_object('is_stuck', coalesce(d.last_failed_time > coalesce(d.last_archived_time, '-infinity'), false),
                             'last_archived_wal', d.last_archived_wal, 'last_archived_at', d.last_archived_time,
                             'last_failed_wal', d.last_failed_wal, 'last_failed_at', d.last_failed_time))
 ) AS v (metric, value, detail)
