-- summary: who else is connected, when somebody last did something, and where the branch stands
-- kind: read
-- server: 15-18
-- param since timestamp
-- column others integer
-- column arrived integer
-- column busy boolean
-- column changed_at timestamp null
-- column sessions integer
-- column lsn text
-- column bytes integer
SELECT count(a.pid) AS others,
       count(a.pid) FILTER (WHERE a.backend_start > :since) AS arrived,
       coalesce(bool_or(a.state IS DISTINCT FROM 'idle'), false) AS busy,
       max(a.state_change) AS changed_at,
       (SELECT coalesce(sum(d.sessions), 0)::bigint FROM pg_catalog.pg_stat_database d) AS sessions,
       pg_catalog.pg_current_wal_lsn()::text AS lsn,
       (SELECT coalesce(sum(pg_catalog.pg_database_size(d.oid)), 0)::bigint
          FROM pg_catalog.pg_database d WHERE d.datallowconn AND NOT d.datistemplate) AS bytes
  FROM pg_catalog.pg_stat_activity a
 WHERE a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
