-- summary: how often what was not in shared buffers was in the file cache of the compute, and how often in neither
-- kind: read
-- server: 15-18
-- note: the view is the platform's, wherever its extension was put; it begins anew with the server.
-- param schema identifier like pg_catalog
-- param view identifier like pg_class
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
SELECT v.metric,
       (to_jsonb(c) ->> v.metric)::numeric AS value,
       NULL::text AS object,
       pg_postmaster_start_time()::text AS epoch,
       NULL::jsonb AS detail
  FROM (SELECT * FROM :schema.:view LIMIT 1) c
 CROSS JOIN (VALUES ('file_cache_hits'), ('file_cache_misses')) AS v (metric)
