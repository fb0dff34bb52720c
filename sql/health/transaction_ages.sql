-- summary: how old the oldest transaction and multixact IDs are, over all databases
-- kind: read
-- server: 15-18
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH d AS (
  SELECT s.datname::text AS name,
         age(s.datfrozenxid)::numeric AS xid_age,
         mxid_age(s.datminmxid)::numeric AS mxid_age
    FROM pg_database s
)
SELECT 'txid_age' AS metric,
       greatest(d.xid_age, d.mxid_age) AS value,
       NULL::text AS object,
       NULL::text AS epoch,
       jsonb_build_object('database', d.name, 'xid_age', d.xid_age, 'multixact_age', d.mxid_age, 'oldest_transaction_s',
                          (SELECT extract(epoch FROM clock_timestamp() - min(a.xact_start)) FROM pg_stat_activity a
                            WHERE a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL),
                          'prepared_transactions', (SELECT count(*) FROM pg_prepared_xacts)) AS detail
  FROM d
 ORDER BY greatest(d.xid_age, d.mxid_age) DESC
 LIMIT 1
