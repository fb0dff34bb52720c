-- summary: the texts of some statements, of those that are about rows and not ours
-- kind: read
-- server: 15-18
-- note: the key is that of diagnose/statements. A text that this role may not see is one that says so.
-- param schema identifier like public
-- param keys text[]
-- column key text
-- column query text
SELECT concat_ws('/', s.userid, s.queryid, s.toplevel) AS key,
       left(s.query, 2000) AS query
  FROM :schema.pg_stat_statements(true) s
 WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND concat_ws('/', s.userid, s.queryid, s.toplevel) = ANY (:keys)
   AND s.query ~* '^<insufficient privilege>|^(\s|\(|--[^\n]*\n|/\*([^*]|\*[^/])*\*/)*(select|with|insert|update|delete|merge|values)\M'
   AND s.query NOT LIKE '%/* lbops */'
 ORDER BY key
