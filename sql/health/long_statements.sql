-- summary: statements of clients that run for longer than a limit by now, those of the connected database first
-- kind: read
-- server: 15-18
-- note: what waits for a lock is a lock wait and not a slow statement; maintenance and dumps take their time.
-- param min_seconds number
-- column pid integer
-- column started timestamp
-- column query_id integer null
-- column database text
-- column database_id integer
-- column user_id integer
-- column is_here boolean
-- column seconds number
-- column query text
-- column is_whole boolean
SELECT a.pid::int8 AS pid,
       a.query_start AS started,
       a.query_id,
       a.datname::text AS database,
       a.datid::int8 AS database_id,
       a.usesysid::int8 AS user_id,
       a.datname = current_database() AS is_here,
       extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS seconds,
       a.query,
       octet_length(a.query) < pg_size_bytes(current_setting('track_activity_query_size')) - 4 AS is_whole
  FROM pg_stat_activity a
 WHERE a.backend_type = 'client backend'
   AND a.state = 'active'
   AND a.pid <> pg_backend_pid()
   AND a.datname IS NOT NULL
   AND a.usesysid IS NOT NULL
   AND a.wait_event_type IS DISTINCT FROM 'Lock'
   AND a.application_name !~ '^(lbops|pg_dump|pg_restore|pg_basebackup)'
   AND a.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*[^/])*\*/)*(select|with|insert|update|delete|merge|values|table|fetch|call|execute)\M'
   AND a.query NOT LIKE '%/* lbops */'
   AND extract(epoch FROM clock_timestamp() - a.query_start) >= :min_seconds
 ORDER BY a.datname = current_database() DESC, a.query_start
 LIMIT 50
