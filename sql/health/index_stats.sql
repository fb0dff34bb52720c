-- summary: what the indexes of this database have given, summed, and how many there are and cannot be used
-- kind: read
-- server: 15-18
-- note: a dropped index takes its counts with it: the sums may fall. One that is being built counts as not valid.
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH d AS (
  SELECT sum(s.idx_tup_read)::numeric AS idx_tup_read,
         sum(s.idx_tup_fetch)::numeric AS idx_tup_fetch,
         count(*)::numeric AS indexes,
         count(*) FILTER (WHERE NOT i.indisvalid)::numeric AS invalid,
         (SELECT b.stats_reset FROM pg_stat_database b WHERE b.datname = current_database()) AS stats_reset
    FROM pg_stat_user_indexes s
    JOIN pg_index i ON i.indexrelid = s.indexrelid
)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('index_tuples_read', d.idx_tup_read),
         ('index_tuples_fetched', d.idx_tup_fetch),
         ('indexes', d.indexes),
         ('indexes_invalid', d.invalid)
 ) AS v (metric, value)
