-- query: archival.per_day
-- set: Archive
-- title: Rows that left for the archive
-- note: Each archival counts once, with all that its runs verified in the archive.
-- chart: bars
-- window: 90 days
-- empty: Nothing was archived yet: `lbops run identify_cold_data` says what could be.
-- column: archive_day x date Day
-- column: source_table series text Table
-- column: rows_archived y count Rows
-- column: rows_deleted cell count Deleted at the source
-- column: bytes_reclaimed cell bytes Space given back
-- column: operations cell count Archivals
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
whole AS (
    SELECT d.archival_id, d.project_id, d.branch_id, d.source_table, max(d.archived_at) AS archived_at,
           greatest(coalesce(sum(CASE WHEN d.step = 'verify' AND d.status = 'success' THEN d.rows_archived END), 0),
                    coalesce(sum(CASE WHEN d.step = 'delete' AND d.status = 'success' THEN d.rows_archived END), 0))
               AS rows_archived,
           sum(CASE WHEN d.step = 'delete' AND d.status = 'success' THEN d.rows_deleted END) AS rows_deleted,
           sum(CASE WHEN d.status = 'success' THEN d.bytes_reclaimed END) AS bytes_reclaimed
      FROM data_archival_history d
      JOIN upto u ON d.archived_at > u.moment - INTERVAL 90 DAYS
     WHERE d.status IN ('success', 'waiting')
       AND coalesce(d.step, '') <> 'restore'
     GROUP BY d.archival_id, d.project_id, d.branch_id, d.source_table
)
SELECT CAST(w.archived_at AS DATE) AS archive_day, w.project_id || '/' || w.branch_id || ' ' || w.source_table AS source_table,
       CAST(coalesce(sum(w.rows_archived), 0) AS BIGINT) AS rows_archived,
       CAST(coalesce(sum(w.rows_deleted), 0) AS BIGINT) AS rows_deleted,
       CAST(coalesce(sum(w.bytes_reclaimed), 0) AS BIGINT) AS bytes_reclaimed, count(*) AS operations
  FROM whole w
 GROUP BY CAST(w.archived_at AS DATE), w.project_id || '/' || w.branch_id || ' ' || w.source_table
 ORDER BY archive_day, source_table
