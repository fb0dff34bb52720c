-- summary: an index by its name: is it whole, and is somebody building it now
-- kind: read
-- server: 15-18
-- param schema text
-- param name text
-- column is_valid boolean
-- column is_building boolean
-- column definition text
SELECT x.indisvalid AND x.indisready AND x.indislive AS is_valid,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid) AS is_building,
       pg_get_indexdef(x.indexrelid) AS definition
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = :schema
   AND c.relname = :name
