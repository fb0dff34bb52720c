-- summary: the databases of a server, what is said of them and who is connected
-- kind: read
-- server: 15-18
-- column name text
-- column oid integer
-- column server text
-- column is_current boolean
-- column is_open boolean
-- column is_broken boolean
-- column is_busy boolean
-- column comment text null
-- column bytes integer null
-- column others integer
-- column prepared integer
-- column who text null
-- note: is_busy: somebody else holds the lock of local/given_lock, which is a database's own, in any of them
-- note: sessions of ours that idle are not among the others, since they can be ended; autovacuum makes room by itself
SELECT d.datname::text AS name,
       d.oid::bigint AS oid,
       (SELECT s.system_identifier::text FROM pg_catalog.pg_control_system() s) AS server,
       d.datname = pg_catalog.current_database() AS is_current,
       d.datallowconn AS is_open,
       d.datconnlimit = -2 AS is_broken,
       EXISTS (SELECT FROM pg_catalog.pg_locks l
                WHERE l.locktype = 'advisory' AND l.classid = 108 AND l.objid = 1868886131 AND l.objsubid = 1
                  AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()) AS is_busy,
       pg_catalog.shobj_description(d.oid, 'pg_database') AS comment,
       CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
              OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_catalog.pg_database_size(d.oid) END AS bytes,
       coalesce(a.others, 0)::bigint AS others,
       (SELECT count(*) FROM pg_catalog.pg_prepared_xacts x WHERE x.database = d.datname) AS prepared,
       a.who AS who
  FROM pg_catalog.pg_database d
  LEFT JOIN LATERAL (
       SELECT count(*) AS others,
              pg_catalog.string_agg(CASE WHEN s.nth <= 3 THEN s.line END, ', ' ORDER BY s.nth) AS who
         FROM (SELECT pg_catalog.format('%s (%s, pid %s)', coalesce(p.usename, 'the server'),
                                        coalesce(nullif(p.application_name, ''), p.backend_type, 'no name'), p.pid) AS line,
                      pg_catalog.row_number() OVER (ORDER BY p.backend_start, p.pid) AS nth
                 FROM pg_catalog.pg_stat_activity p
                WHERE p.datid = d.oid
                  AND p.pid <> pg_catalog.pg_backend_pid()
                  AND p.backend_type IS DISTINCT FROM 'autovacuum worker'
                  AND NOT coalesce(p.usename = current_user AND p.state = 'idle'
                                   AND pg_catalog.starts_with(p.application_name, 'lbops/'), false)) s
       ) a ON true
 WHERE NOT d.datistemplate
 ORDER BY d.oid
