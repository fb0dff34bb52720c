-- summary: what a database is asked most of the time: its costliest statements about rows, and how much of all of them they are
-- kind: read
-- server: 15-18
-- note: what asks the catalogue, as monitoring and our own sessions do, is nobody's work: by its text.
-- note: what several roles execute is one statement here.
-- param schema identifier like public
-- param most integer
-- column query text
-- column calls integer
-- column total_ms number
-- column all_calls integer
-- column all_ms number
-- column statements integer
-- column since timestamp
WITH counted AS (
    SELECT max(s.query) AS query, sum(s.calls)::int8 AS calls, sum(s.total_exec_time)::float8 AS total_ms
      FROM :schema.pg_stat_statements s
     WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND s.toplevel
       AND s.query ~* '^<insufficient privilege>|^(\s|\(|--[^\n]*\n|/\*([^*]|\*[^/])*\*/)*(select|with|insert|update|delete|merge|values)\M'
       AND s.query !~* '\m((from|join)\s+(pg_|information_schema\.)|pg_stat_statements|lbops_migration|pg_catalog\.)'
     GROUP BY s.queryid
)
SELECT c.query, c.calls, c.total_ms,
       (sum(c.calls) OVER ())::int8 AS all_calls,
       sum(c.total_ms) OVER () AS all_ms,
       count(*) OVER () AS statements,
       (SELECT i.stats_reset FROM :schema.pg_stat_statements_info() i) AS since
  FROM counted c
 ORDER BY c.total_ms DESC, c.query
 LIMIT :most
