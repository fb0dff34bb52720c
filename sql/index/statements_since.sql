-- summary: since when statements have been counted
-- kind: read
-- server: 15-18
-- note: the extension is in whatever schema it was put, and says it from 1.9 on.
-- param schema identifier like public
-- column since timestamp
SELECT i.stats_reset AS since FROM :schema.pg_stat_statements_info() i
