-- summary: the transactions that made columns, and when they were committed, where the server keeps that
-- kind: read
-- server: 15-18
-- note: numbers are those of rows with the epoch before them, so that they compare as they came
-- column xid integer
-- column committed_at timestamp
WITH made AS (
    SELECT DISTINCT a.xmin::text AS xid
      FROM pg_attribute a
     WHERE a.attrelid >= 16384
       AND current_setting('track_commit_timestamp')::bool
), timed AS (
    SELECT m.xid::int8 AS xid,
           CASE WHEN current_setting('track_commit_timestamp')::bool THEN pg_xact_commit_timestamp(m.xid::xid) END AS committed_at
      FROM made m
)
SELECT n.next - ((n.next - t.xid) & 4294967295) AS xid,
       t.committed_at AS committed_at
  FROM timed t
 CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next) n
 WHERE t.committed_at IS NOT NULL
