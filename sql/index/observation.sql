-- summary: how long the server has counted, who else may use the indexes, and what may be seen of it
-- kind: read
-- server: 15-18
-- note: Lakebase ships its log to storage over a connection that looks like a standby and is none; no more are who
-- note: keeps the log or decodes it.
-- column database text
-- column now timestamp
-- column server_started timestamp
-- column stats_reset timestamp null
-- column in_recovery boolean
-- column standbys integer
-- column block_bytes integer
-- column sees_all_statistics boolean
-- column hidden_builds integer
-- column loose_collations text
-- column hypopg_schema text null
-- column statements_schema text null
-- column statements_version text null
-- column trigram_schema text null
SELECT current_database()::text AS database,
       now() AS now,
       pg_postmaster_start_time() AS server_started,
       (SELECT d.stats_reset FROM pg_stat_database d WHERE d.datname = current_database()) AS stats_reset,
       pg_is_in_recovery() AS in_recovery,
       (SELECT count(*)
          FROM pg_stat_replication r
         WHERE r.state IS DISTINCT FROM 'backup'
           AND r.application_name NOT IN ('walproposer', 'pg_receivewal')
           AND r.pid NOT IN (SELECT s.active_pid
                               FROM pg_replication_slots s
                              WHERE s.slot_type = 'logical'
                                AND s.active_pid IS NOT NULL)) AS standbys,
       current_setting('block_size')::int8 AS block_bytes,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all_statistics,
       (SELECT count(*) FROM pg_stat_progress_create_index p WHERE p.index_relid IS NULL) AS hidden_builds,
       coalesce((SELECT string_agg(l.oid::text, ' ') FROM pg_collation l WHERE NOT l.collisdeterministic), '')
           AS loose_collations,
       (SELECT n.nspname::text
          FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'hypopg') AS hypopg_schema,
       (SELECT n.nspname::text
          FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements') AS statements_schema,
       (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pg_stat_statements') AS statements_version,
       (SELECT n.nspname::text
          FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_trgm') AS trigram_schema
