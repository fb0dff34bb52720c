-- summary: how often statements were forgotten to make room for others
-- kind: read
-- server: 15-18
-- param schema identifier like public
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
SELECT 'statements_forgotten' AS metric,
       i.dealloc::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), i.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM :schema.pg_stat_statements_info i
