-- summary: who keeps old row versions from being removed, oldest first: sessions, prepared transactions, slots, standbys
-- kind: read
-- server: 15-18
-- note: a vacuum's own snapshot holds nothing back, nor do sessions of another database for the rows of this one. The
-- note: catalogue's horizon of a slot is apart: it keeps rows of system tables alone. For how long is counted by the
-- note: server's clock, which wrote the time. Slots and standbys do not say since when: what they hold moves on.
-- column kind text
-- column holder text
-- column pid integer null
-- column database text null
-- column owner text null
-- column state text null
-- column since timestamp null
-- column held_seconds number null
-- column horizon_age integer
-- column scope text
-- column is_here boolean
SELECT h.kind, h.holder, h.pid, h.database, h.owner, h.state, h.since,
       extract(epoch FROM clock_timestamp() - h.since)::float8 AS held_seconds, h.horizon_age, h.scope,
       h.database IS NULL OR h.database = current_database() OR h.kind IN ('slot', 'standby') AS is_here
  FROM (SELECT 'session' AS kind,
               'pid ' || a.pid AS holder,
               a.pid::int8 AS pid,
               a.datname::text AS database,
               a.usename::text AS owner,
               a.state AS state,
               a.xact_start AS since,
               greatest(age(a.backend_xmin), age(a.backend_xid))::int8 AS horizon_age,
               'rows' AS scope
          FROM pg_stat_activity a
         WHERE coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
           AND a.pid <> pg_backend_pid()
           AND a.backend_type NOT IN ('walsender', 'autovacuum worker')
           AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
        UNION ALL
        SELECT 'prepared', p.gid, NULL, p.database::text, p.owner::text, 'prepared', p.prepared,
               age(p.transaction)::int8, 'rows'
          FROM pg_prepared_xacts p
        UNION ALL
        SELECT 'slot', s.slot_name::text, s.active_pid::int8, s.database::text, NULL,
               CASE WHEN s.active THEN 'active' ELSE 'inactive' END, NULL, age(s.xmin)::int8, 'rows'
          FROM pg_replication_slots s
         WHERE s.xmin IS NOT NULL
        UNION ALL
        SELECT 'slot', s.slot_name::text, s.active_pid::int8, s.database::text, NULL,
               CASE WHEN s.active THEN 'active' ELSE 'inactive' END, NULL, age(s.catalog_xmin)::int8, 'catalog'
          FROM pg_replication_slots s
         WHERE s.catalog_xmin IS NOT NULL
        UNION ALL
        SELECT 'standby', coalesce(nullif(r.application_name, ''), 'pid ' || r.pid), r.pid::int8, NULL, r.usename::text,
               r.state, NULL, age(r.backend_xmin)::int8, 'rows'
          FROM pg_stat_replication r
         WHERE r.backend_xmin IS NOT NULL) h
 ORDER BY h.horizon_age DESC, h.since NULLS LAST, h.holder
