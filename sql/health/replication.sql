-- summary: how far standbys and slots are behind, and what slots keep
-- kind: read
-- server: 15-18
-- note: of a standby that is still being copied or catches up, time says nothing: the server measures from the sending of each piece on.
-- note: its bytes do, and its state says which it is.
-- note: a logical slot is behind by what its reader has not confirmed, a physical one by what it keeps: the WAL that a
-- note: logical one keeps besides is for transactions that are still open.
-- note: an idle primary gives a standby no time to measure by: no lag, then, is no work.
-- note: a standby has the time of a commit from its primary, whose clock may be another: what a message took by both
-- note: clocks is taken off again. What it took on its way is so short, and is not what is asked here.
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH here AS (
  SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn
), standby AS (
  SELECT r.pid, r.application_name, r.state, extract(epoch FROM r.replay_lag)::numeric AS seconds,
         pg_wal_lsn_diff(h.lsn, r.replay_lsn) AS bytes
    FROM pg_stat_replication r
   CROSS JOIN here h
), slot AS (
  SELECT s.slot_name::text AS name, s.slot_type, s.active, s.wal_status, s.safe_wal_size,
         coalesce(s.confirmed_flush_lsn, s.restart_lsn) AS position,
         pg_wal_lsn_diff(h.lsn, s.restart_lsn) AS bytes,
         pg_wal_lsn_diff(h.lsn, coalesce(s.confirmed_flush_lsn, s.restart_lsn)) AS behind,
         pg_wal_lsn_diff(h.lsn, '0/0') AS written
    FROM pg_replication_slots s
   CROSS JOIN here h
)
SELECT 'standby_lag_seconds' AS metric, coalesce(b.seconds, 0) AS value, b.application_name || ' ' || b.pid AS object,
       NULL::text AS epoch, jsonb_build_object('state', b.state, 'bytes', b.bytes) AS detail
  FROM standby b
 WHERE b.state = 'streaming'
UNION ALL
SELECT 'standby_lag_bytes', b.bytes, b.application_name || ' ' || b.pid, NULL, jsonb_build_object('state', b.state)
  FROM standby b
UNION ALL
SELECT 'slot_retained_bytes', t.bytes, t.name, t.position::text,
       jsonb_build_object('type', t.slot_type, 'active', t.active, 'wal_status', t.wal_status, 'safe_wal_size', t.safe_wal_size)
  FROM slot t
UNION ALL
SELECT 'slot_lag_bytes', t.behind, t.name, t.position::text,
       jsonb_build_object('type', t.slot_type, 'active', t.active, 'wal_status', t.wal_status, 'kept_bytes', t.bytes,
                          'written', t.written)
  FROM slot t
UNION ALL
SELECT 'receive_lag_seconds',
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()
                                    - coalesce((SELECT w.last_msg_receipt_time - w.last_msg_send_time
                                                  FROM pg_stat_wal_receiver w), interval '0'))::numeric END,
       NULL, NULL,
       jsonb_build_object('receiver', (SELECT w.status FROM pg_stat_wal_receiver w),
                          'bytes', pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()))
 WHERE pg_is_in_recovery()
