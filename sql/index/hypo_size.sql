-- summary: the size that such an index would have
-- kind: read
-- server: 15-18
-- note: the function is hypopg_relation_size.
-- param schema identifier like pg_catalog
-- param function identifier like pg_relation_size
-- param index_id integer as oid
-- column bytes integer
SELECT :schema.:function(:index_id)::int8 AS bytes
