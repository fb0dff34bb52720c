-- summary: the statements of each branch that took most of its time and blocks, with the sums of all of its statements
-- kind: history
-- note: the share is half of time and half of blocks; where none read a block, time alone.
-- note: snapshots and the hours that later stand for them never hold the same time twice, so their sums are the whole.
-- param since timestamp
-- param most integer
-- column project_id text null
-- column branch_id text null
-- column query_id text
-- column calls number
-- column ms number
-- column blocks number
-- column all_ms number
-- column all_blocks number
-- column first_at timestamp
SELECT r.project_id, r.branch_id, r.query_id, r.calls, r.ms, r.blocks, r.all_ms, r.all_blocks, r.first_at
  FROM (SELECT t.*,
               row_number() OVER (PARTITION BY t.project_id, t.branch_id
                                      ORDER BY CASE WHEN t.all_ms > 0 THEN t.ms / t.all_ms ELSE 0 END
                                               + CASE WHEN t.all_blocks > 0 THEN t.blocks / t.all_blocks
                                                      WHEN t.all_ms > 0 THEN t.ms / t.all_ms ELSE 0 END DESC,
                                               t.query_id) AS place
          FROM (SELECT g.*,
                       sum(g.ms) OVER (PARTITION BY g.project_id, g.branch_id) AS all_ms,
                       sum(g.blocks) OVER (PARTITION BY g.project_id, g.branch_id) AS all_blocks,
                       min(g.began) OVER (PARTITION BY g.project_id, g.branch_id) AS first_at
                  FROM (SELECT s.project_id,
                               s.branch_id,
                               CAST(s.queryid AS VARCHAR(20)) AS query_id,
                               CAST(coalesce(sum(s.calls_delta), 0) AS DOUBLE) AS calls,
                               CAST(coalesce(sum(s.total_exec_time_delta), 0) AS DOUBLE) AS ms,
                               CAST(coalesce(sum(s.shared_blks_read_delta), 0) + coalesce(sum(s.temp_blks_read_delta), 0)
                                    + coalesce(sum(s.temp_blks_written_delta), 0) AS DOUBLE) AS blocks,
                               min(s.snapshot_timestamp) AS began
                          FROM pg_stat_history s
                         WHERE s.snapshot_timestamp >= :since
                           AND s.branch_id IS NOT NULL
                         GROUP BY s.project_id, s.branch_id, s.queryid) g) t) r
 WHERE r.place <= :most
 ORDER BY r.project_id, r.branch_id, r.place
