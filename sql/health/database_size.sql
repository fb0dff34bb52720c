-- summary: how large the databases are that may be connected to
-- kind: read
-- server: 15-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
SELECT 'database_size_bytes' AS metric,
       pg_database_size(d.oid)::numeric AS value,
       d.datname::text AS object,
       NULL::text AS epoch,
       NULL::jsonb AS detail
  FROM pg_database d
 WHERE has_database_privilege(d.oid, 'CONNECT')
 ORDER BY d.datname
