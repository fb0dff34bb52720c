-- summary: the settings that a text names, and those that decide about memory, with what that is to be judged by
-- kind: read
-- server: 15-18
-- note: words: lower case, a blank around each. hit_share is null where no block was read yet.
-- param words text
-- column name text
-- column value text
-- column source text
-- column is_named boolean
-- column database_bytes integer
-- column hit_share number null
SELECT s.name,
       current_setting(s.name) AS value,
       s.source,
       s.is_named,
       pg_database_size(current_database()) AS database_bytes,
       d.blks_hit::float8 / nullif(d.blks_hit + d.blks_read, 0) AS hit_share
  FROM (SELECT p.name, p.source, strpos(:words, ' ' || lower(p.name) || ' ') > 0 AS is_named
          FROM pg_settings p) s
  LEFT JOIN pg_stat_database d ON d.datname = current_database()
 WHERE s.is_named
    OR s.name IN ('shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem', 'max_connections')
 ORDER BY s.is_named DESC, s.name
 LIMIT 8
