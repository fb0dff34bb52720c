-- summary: how many locks are held and waited for, and since when the oldest is waited for
-- kind: read
-- server: 15-18
-- note: waitstart is empty for an instant after the wait begins; then the change of the session's state stands for it.
-- note: Who is in front is asked for the one that has waited longest only, and on to whoever waits for nobody.
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH RECURSIVE d AS (
  SELECT count(*) FILTER (WHERE l.granted)::numeric AS held,
         count(*) FILTER (WHERE NOT l.granted)::numeric AS waiting,
         coalesce(max(extract(epoch FROM clock_timestamp() - coalesce(l.waitstart, a.state_change)))
                    FILTER (WHERE NOT l.granted), 0)::numeric AS oldest
    FROM pg_locks l
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
), longest AS (
  SELECT l.pid,
         jsonb_build_object('pid', l.pid, 'user', a.usename, 'application', a.application_name, 'mode', l.mode,
                            'lock', l.locktype, 'object', l.relation::regclass::text, 'waiting_since', l.waitstart) AS detail
    FROM pg_locks l
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
   WHERE NOT l.granted
   ORDER BY l.waitstart NULLS LAST
   LIMIT 1
), ahead AS (
  SELECT x.pid, 0 AS depth
    FROM longest x
  UNION ALL
  SELECT b.pids[1], h.depth + 1
    FROM ahead h
   CROSS JOIN LATERAL (SELECT pg_blocking_pids(h.pid) AS pids OFFSET 0) b
   WHERE h.depth < 50
     AND b.pids <> '{}'
), root AS (
  SELECT jsonb_build_object('root_pid', h.pid, 'root_user', a.usename, 'root_application', a.application_name) AS detail
    FROM ahead h
    LEFT JOIN pg_stat_activity a ON a.pid = h.pid
   WHERE h.depth > 0
   ORDER BY h.depth DESC
   LIMIT 1
)
SELECT v.metric,
       greatest(v.value, 0) AS value,
       NULL::text AS object,
       NULL::text AS epoch,
       CASE v.metric WHEN 'lock_wait_time' THEN (SELECT x.detail || coalesce((SELECT r.detail FROM root r), '{}') FROM longest x)
       END AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('locks_held', d.held),
         ('locks_waiting', d.waiting),
         ('lock_wait_time', d.oldest)
 ) AS v (metric, value)
