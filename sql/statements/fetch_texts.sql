-- summary: the texts of statements, cut to a length
-- kind: read
-- server: 15-18
-- note: the server reads the file of all texts for it, so ask seldom, and only for those that are not known yet.
-- note: each text that we send ends with a mark. A statement that somebody else had sent before us has theirs.
-- param schema identifier like public
-- param queries integer[]
-- param most_chars integer as int4
-- column queryid integer
-- column dbid integer
-- column userid integer
-- column database_name text null
-- column query text
-- column query_bytes integer
-- column fingerprint text
-- column statement_kind text
SELECT DISTINCT ON (s.queryid, s.dbid)
       s.queryid AS queryid,
       s.dbid::int8 AS dbid,
       s.userid::int8 AS userid,
       d.datname::text AS database_name,
       left(s.query, :most_chars) AS query,
       octet_length(s.query)::int8 AS query_bytes,
       md5(regexp_replace(regexp_replace(lower(s.query), '[$][0-9]+', '?', 'g'), '[[:space:]]+', ' ', 'g')) AS fingerprint,
       CASE WHEN s.query LIKE '%/* lbops */' THEN 'ours' ELSE
       CASE lower(substring(s.query from '[[:alpha:]]+'))
            WHEN 'select' THEN 'select' WHEN 'with' THEN 'select' WHEN 'values' THEN 'select'
            WHEN 'insert' THEN 'insert' WHEN 'update' THEN 'update' WHEN 'delete' THEN 'delete'
            WHEN 'merge' THEN 'merge' ELSE 'utility' END END AS statement_kind
  FROM :schema.pg_stat_statements(true) s
  LEFT JOIN pg_database d ON d.oid = s.dbid
 WHERE s.queryid = ANY (:queries)
   AND s.query IS NOT NULL
 ORDER BY s.queryid, s.dbid, s.userid
