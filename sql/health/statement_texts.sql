-- summary: what some statements are by their texts: work about rows, or else maintenance and what we send
-- kind: read
-- server: 15-18
-- note: the key is that of health/slow_statements.
-- note: the server reads the file of all texts for it, so ask seldom, and only for those that are not known yet.
-- note: what is prepared by a statement is counted under that one.
-- param schema identifier like public
-- param keys text[]
-- param with_texts boolean
-- column key text
-- column is_work boolean
-- column is_here boolean
-- column database_id integer
-- column user_id integer
-- column query text null
SELECT concat_ws('/', s.dbid, s.userid, s.queryid, s.toplevel) AS key,
       s.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*[^/])*\*/)*(select|with|insert|update|delete|merge|values|table|fetch|call|execute|prepare(?!\s+transaction))\M'
         AND s.query NOT LIKE '%/* lbops */' AS is_work,
       s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AS is_here,
       s.dbid::int8 AS database_id,
       s.userid::int8 AS user_id,
       CASE WHEN :with_texts THEN s.query END AS query
  FROM :schema.pg_stat_statements(true) s
 WHERE concat_ws('/', s.dbid, s.userid, s.queryid, s.toplevel) = ANY (:keys)
   AND s.query IS NOT NULL
 ORDER BY key
