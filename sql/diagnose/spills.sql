-- summary: the statements that wrote most to temporary files
-- kind: read
-- server: 15-18
-- param schema identifier like public
-- column queryid text
-- column user_name text null
-- column calls integer
-- column blocks integer
SELECT s.queryid::text AS queryid,
       pg_get_userbyid(s.userid)::text AS user_name,
       s.calls,
       s.temp_blks_written AS blocks
  FROM :schema.pg_stat_statements(false) s
 WHERE s.temp_blks_written > 0
   AND s.queryid IS NOT NULL
 ORDER BY s.temp_blks_written DESC, s.queryid
 LIMIT 3
