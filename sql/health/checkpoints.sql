-- summary: checkpoints and what they wrote
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
  VALUES ('checkpoints_timed', d.checkpoints_timed),
         ('checkpoints_requested', d.checkpoints_req),
         ('checkpoint_write_time', d.checkpoint_write_time),
         ('checkpoint_sync_time', d.checkpoint_sync_time),
         ('buffers_checkpoint', d.buffers_checkpoint)
 ) AS v (metric, value)
-- variant: 17-18
WITH d AS (SELECT * FROM pg_stat_checkpointer)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('checkpoints_timed', d.num_timed),
         ('checkpoints_requested', d.num_requested),
         ('checkpoint_write_time', d.write_time),
         ('checkpoint_sync_time', d.sync_time),
         ('buffers_checkpoint', d.buffers_written),
         ('restartpoints_timed', d.restartpoints_timed),
         ('restartpoints_requested', d.restartpoints_req),
         ('restartpoints_done', d.restartpoints_done)
 ) AS v (metric, value)
