-- summary: the memory that a sort or a hash may take before it writes to disk
-- kind: read
-- server: 15-18
-- column work_mem_bytes integer
SELECT s.setting::int8 * 1024 AS work_mem_bytes FROM pg_settings s WHERE s.name = 'work_mem'
