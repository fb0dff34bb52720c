-- summary: what the server has for caching, against what there is to cache
-- kind: read
-- server: 15-18
-- column shared_buffers_bytes integer
-- column effective_cache_bytes integer
-- column database_bytes integer
-- column max_connections integer
SELECT pg_size_bytes(current_setting('shared_buffers')) AS shared_buffers_bytes,
       pg_size_bytes(current_setting('effective_cache_size')) AS effective_cache_bytes,
       pg_database_size(current_database()) AS database_bytes,
       current_setting('max_connections')::int8 AS max_connections
