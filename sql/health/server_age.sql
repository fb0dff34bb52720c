-- summary: since when the server runs
-- kind: read
-- server: 15-18
-- note: It is always read, and so says in which database the others are.
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
SELECT 'uptime_seconds' AS metric,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::numeric AS value,
       NULL::text AS object,
       pg_postmaster_start_time()::text AS epoch,
       jsonb_build_object('database', current_database()) AS detail
