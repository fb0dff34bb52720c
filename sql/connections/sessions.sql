-- summary: every process of the server, with what it does and what decides whether it may be ended
-- kind: read
-- server: 15-18
-- note: what belongs to other roles is hidden from those without pg_read_all_stats; such rows have no backend_type.
-- column pid integer
-- column database text null
-- column user_name text null
-- column application text
-- column client text null
-- column backend_type text null
-- column state text null
-- column wait_type text null
-- column wait_event text null
-- column backend_start timestamp null
-- column xact_start timestamp null
-- column state_change timestamp null
-- column query_id integer null
-- column state_seconds number null
-- column xact_seconds number null
-- column pins_rows boolean
-- column locks integer
-- column superuser boolean
-- column replicates boolean
-- column own boolean
SELECT a.pid,
       a.datname::text AS database,
       a.usename::text AS user_name,
       coalesce(a.application_name, '') AS application,
       a.client_addr::text AS client,
       a.backend_type,
       a.state,
       a.wait_event_type AS wait_type,
       a.wait_event,
       a.backend_start,
       a.xact_start,
       a.state_change,
       a.query_id,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS xact_seconds,
       a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL AS pins_rows,
       coalesce(l.locks, 0) AS locks,
       coalesce(r.rolsuper, false) AS superuser,
       coalesce(r.rolreplication, false) AS replicates,
       a.pid = pg_backend_pid() AS own
  FROM pg_stat_activity a
  LEFT JOIN pg_roles r ON r.oid = a.usesysid
  LEFT JOIN (SELECT k.pid, count(*) AS locks
               FROM pg_locks k
              WHERE k.granted
                AND k.locktype = 'relation'
              GROUP BY k.pid) l ON l.pid = a.pid
 ORDER BY a.state_change NULLS LAST, a.pid
