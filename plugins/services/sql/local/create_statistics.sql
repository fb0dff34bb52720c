-- summary: the statistics of statements, which Lakebase has ready
-- kind: change
-- server: 15-18
CREATE EXTENSION IF NOT EXISTS pg_stat_statements
