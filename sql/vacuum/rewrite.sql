-- summary: what a rewrite of a table would gain, cost and touch
-- kind: read
-- server: 15-18
-- note: the expected size is rows times their mean width, with a header of 24 bytes and a pointer of 4, aligned to 8, and 24 of
-- note: each page, at the table's fill factor. It is null where ANALYZE has not seen the table.
-- param schema text
-- param table text
-- column relation integer
-- column kind text
-- column persistence text
-- column expected_bytes number null
-- column rows_known number
-- column fillfactor integer
-- column indexes integer
-- column invalid_indexes integer
-- column publications text[]
-- column replica_identity text
-- column is_local boolean
-- column data_directory text null
SELECT c.oid::int8 AS relation,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       ceil(c.reltuples * (ceil((24 + w.width) / 8) * 8 + 4)
            / ((current_setting('block_size')::float8 - 24) * f.fillfactor / 100))
           * current_setting('block_size')::float8 AS expected_bytes,
       c.reltuples::float8 AS rows_known,
       f.fillfactor AS fillfactor,
       (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
       (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid AND NOT i.indisvalid) AS invalid_indexes,
       ARRAY(SELECT p.pubname::text FROM pg_publication_tables p
              WHERE p.schemaname = n.nspname AND p.tablename = c.relname ORDER BY 1) AS publications,
       c.relreplident::text AS replica_identity,
       coalesce(host(inet_server_addr()) IN ('127.0.0.1', '::1'), true) AS is_local,
       CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory', true) END
           AS data_directory
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
       SELECT sum((1 - s.null_frac) * s.avg_width)::float8 AS width
         FROM pg_stats s
        WHERE s.schemaname = n.nspname AND s.tablename = c.relname) w ON true
  CROSS JOIN LATERAL (
       SELECT coalesce((SELECT o.option_value::int8 FROM pg_options_to_table(c.reloptions) o
                         WHERE o.option_name = 'fillfactor'), 100) AS fillfactor) f
 WHERE n.nspname = :schema
   AND c.relname = :table
