-- summary: statements of which a call ever took long, with their totals
-- kind: read
-- server: 15-18
-- note: the texts stay where they are: only numbers are read. Those of the connected database come first; those of
-- note: databases that were dropped are nobody's any more.
-- param schema identifier like public
-- param min_ms number
-- column key text
-- column queryid integer
-- column user_name text null
-- column database text
-- column calls integer
-- column total_exec_time number
-- column max_exec_time number
-- column epoch text
SELECT concat_ws('/', s.dbid, s.userid, s.queryid, s.toplevel) AS key,
       s.queryid,
       pg_get_userbyid(s.userid)::text AS user_name,
       d.datname::text AS database,
       s.calls,
       s.total_exec_time,
       s.max_exec_time,
       concat_ws(' ', pg_postmaster_start_time(), (SELECT i.stats_reset FROM :schema.pg_stat_statements_info i)) AS epoch
  FROM :schema.pg_stat_statements(false) s
  JOIN pg_database d ON d.oid = s.dbid
 WHERE s.max_exec_time >= :min_ms
   AND s.queryid IS NOT NULL
 ORDER BY d.datname = current_database() DESC, s.max_exec_time DESC
 LIMIT 500
