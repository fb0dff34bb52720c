-- summary: the statements of this database that took most time, as they were counted
-- kind: read
-- server: 15-18
-- note: the texts stay where they are: only numbers are read. Blocks are those that were touched, in the cache or not.
-- param schema identifier like public
-- param most integer
-- column key text
-- column queryid integer
-- column database_id integer
-- column user_name text
-- column toplevel boolean
-- column calls integer
-- column total_ms number
-- column row_count number
-- column blocks number
-- column blocks_read number
-- column temp_blocks number
SELECT concat_ws('/', s.userid, s.queryid, s.toplevel) AS key,
       s.queryid,
       s.dbid::int8 AS database_id,
       pg_get_userbyid(s.userid)::text AS user_name,
       s.toplevel,
       s.calls,
       s.total_exec_time AS total_ms,
       s.rows::float8 AS row_count,
       (s.shared_blks_hit + s.shared_blks_read)::float8 AS blocks,
       s.shared_blks_read::float8 AS blocks_read,
       s.temp_blks_written::float8 AS temp_blocks
  FROM :schema.pg_stat_statements(false) s
 WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND s.queryid IS NOT NULL
   AND s.calls > 0
 ORDER BY s.total_exec_time DESC, key
 LIMIT :most
