-- summary: replication slots with what each keeps, WAL and row versions, and how much room the server leaves it
-- kind: read
-- server: 15-18
-- note: a slot that is lost says why since 16 or 17, and since when nobody reads it since 17: those columns are asked for
-- note: by their names, and are null where the server has none. One that is kept in step with the primary's is read by
-- note: nobody here.
-- column name text
-- column slot_type text
-- column active boolean
-- column temporary boolean
-- column kept integer
-- column wal_status text null
-- column position text null
-- column horizon_age integer null
-- column is_here boolean
-- column room integer null
-- column unread_seconds number null
-- column lost_because text null
-- column synced boolean
SELECT s.slot_name::text AS name,
       s.slot_type,
       s.active,
       s.temporary,
       coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                                s.restart_lsn), 0)::int8 AS kept,
       s.wal_status,
       coalesce(s.confirmed_flush_lsn, s.restart_lsn)::text AS position,
       greatest(age(s.xmin), age(s.catalog_xmin))::int8 AS horizon_age,
       s.database IS NULL OR s.database = current_database() AS is_here,
       s.safe_wal_size AS room,
       extract(epoch FROM clock_timestamp() - (n.slot ->> 'inactive_since')::timestamptz)::float8 AS unread_seconds,
       CASE WHEN s.wal_status = 'lost' OR n.slot ->> 'invalidation_reason' IS NOT NULL OR (n.slot ->> 'conflicting')::bool
            THEN coalesce(n.slot ->> 'invalidation_reason',
                          CASE WHEN (n.slot ->> 'conflicting')::bool THEN 'conflicting' ELSE 'wal_removed' END)
       END AS lost_because,
       coalesce((n.slot ->> 'synced')::bool, false) AS synced
  FROM pg_replication_slots s
 CROSS JOIN LATERAL (SELECT to_jsonb(s) AS slot) n
 ORDER BY 5 DESC, s.slot_name
 LIMIT 50
