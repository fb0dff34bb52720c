-- summary: since when the oldest transaction is open
-- kind: read
-- server: 15-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
SELECT 'oldest_transaction_seconds' AS metric,
       coalesce(extract(epoch FROM clock_timestamp() - min(a.xact_start)), 0)::numeric AS value,
       NULL::text AS object,
       NULL::text AS epoch,
       NULL::jsonb AS detail
  FROM pg_stat_activity a
 WHERE a.backend_type = 'client backend'
   AND a.pid <> pg_backend_pid()
