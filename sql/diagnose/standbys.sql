-- summary: how far each standby is behind, and at which step
-- kind: read
-- server: 15-18
-- note: a standby has the time of a commit from its primary, whose clock may be another: what a message took by both
-- note: clocks is taken off again. What it took on its way is so short, and is not what is asked here.
-- column name text
-- column pid integer null
-- column state text null
-- column seconds number null
-- column behind integer
-- column unsent integer
-- column unflushed integer
-- column unreplayed integer
-- column replay_paused boolean null
WITH here AS (
  SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn
)
SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) AS name,
       r.pid::int8 AS pid,
       r.state,
       extract(epoch FROM r.replay_lag)::float8 AS seconds,
       coalesce(pg_wal_lsn_diff(h.lsn, r.replay_lsn), 0)::int8 AS behind,
       coalesce(pg_wal_lsn_diff(h.lsn, r.sent_lsn), 0)::int8 AS unsent,
       coalesce(pg_wal_lsn_diff(r.sent_lsn, r.flush_lsn), 0)::int8 AS unflushed,
       coalesce(pg_wal_lsn_diff(r.flush_lsn, r.replay_lsn), 0)::int8 AS unreplayed,
       NULL::bool AS replay_paused
  FROM pg_stat_replication r
 CROSS JOIN here h
 WHERE r.replay_lsn IS NOT NULL
UNION ALL
SELECT 'this standby', NULL, coalesce((SELECT w.status FROM pg_stat_wal_receiver w), 'not receiving'),
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()
                                    - coalesce((SELECT w.last_msg_receipt_time - w.last_msg_send_time
                                                  FROM pg_stat_wal_receiver w), interval '0'))::float8 END,
       coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::int8, 0, 0,
       coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::int8,
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END
 WHERE pg_is_in_recovery()
