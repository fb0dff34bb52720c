-- summary: what pg_stat_statements says of itself: evictions, the last reset, and how full it is
-- kind: read
-- server: 15-18
-- param schema identifier like public
-- column dealloc integer
-- column stats_reset timestamp
-- column entries integer
-- column hidden integer
-- column read_at timestamp
SELECT i.dealloc AS dealloc,
       i.stats_reset AS stats_reset,
       (SELECT count(*) FROM :schema.pg_stat_statements(false) s) AS entries,
       (SELECT count(*) FROM :schema.pg_stat_statements(false) s WHERE s.queryid IS NULL) AS hidden,
       clock_timestamp() AS read_at
  FROM :schema.pg_stat_statements_info() i
