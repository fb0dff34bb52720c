-- summary: what the server has counted of this database's statements, by an extension older than 1.8
-- kind: fragment
-- example: WITH stated AS (:fragment) SELECT 1 FROM stated
-- note: the extension is in whatever schema it was put.
-- note: ours are left out: they would ask for indexes of their own.
-- param schema identifier
SELECT s.queryid::text AS query_id,
       s.query,
       sum(s.calls)::int8 AS calls,
       sum(s.rows)::int8 AS rows,
       sum(s.total_time) AS total_ms
  FROM :schema.pg_stat_statements(true) s
 WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND coalesce(s.query, '') NOT LIKE '%/* lbops */'
 GROUP BY 1, 2
