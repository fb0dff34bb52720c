-- summary: blocks that the tables of this database were read from, in the buffers and outside
-- kind: read
-- server: 15-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH d AS (
  SELECT sum(s.heap_blks_hit)::numeric AS heap_blks_hit,
         sum(s.heap_blks_read)::numeric AS heap_blks_read,
         sum(s.idx_blks_hit)::numeric AS idx_blks_hit,
         sum(s.idx_blks_read)::numeric AS idx_blks_read,
         sum(s.toast_blks_hit)::numeric AS toast_blks_hit,
         sum(s.toast_blks_read)::numeric AS toast_blks_read,
         (SELECT b.stats_reset FROM pg_stat_database b WHERE b.datname = current_database()) AS stats_reset
    FROM pg_statio_user_tables s
)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('heap_blocks_hit', d.heap_blks_hit),
         ('heap_blocks_read', d.heap_blks_read),
         ('index_blocks_hit', d.idx_blks_hit),
         ('index_blocks_read', d.idx_blks_read),
         ('toast_blocks_hit', d.toast_blks_hit),
         ('toast_blocks_read', d.toast_blks_read)
 ) AS v (metric, value)
