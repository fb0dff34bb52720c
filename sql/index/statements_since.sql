-- summary: since when statements have been counted, and how often some were dropped since then to make room
-- kind: read
-- server: 15-18
-- note: the extension is in whatever schema it was put, and says it from 1.9 on.
-- param schema identifier like public
-- column since timestamp
-- column evictions integer
SELECT i.stats_reset AS since, i.dealloc AS evictions FROM :schema.pg_stat_statements_info() i
