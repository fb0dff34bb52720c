-- summary: statements of this database as they were counted: one of them, or the slow ones, the costliest first
-- kind: read
-- server: 15-18
-- note: the view is in whatever schema its extension was put, and has other columns in other versions.
-- note: what asks the catalogue and the statistics, as monitoring does, is not among the slow ones: by its text.
-- note: of these, only statements about rows are of interest: the others have no plan.
-- note: sooner_ids were slow of late, whatever they took in all, the worst first; later_ids were not, and come last.
-- note: those whose texts the role may not see have no id either, and are none of these (query/hidden).
-- note: what several roles execute is one statement here; the role is the one that spends most.
-- param schema identifier like pg_catalog
-- param view identifier like pg_class
-- param query_id text null
-- param min_calls integer
-- param min_mean_ms number
-- param sooner_ids text[]
-- param later_ids text[]
-- param most integer
-- column query_id text
-- column query text
-- column database_id integer
-- column database text
-- column user_id integer
-- column calls integer
-- column total_ms number
-- column rows integer
-- column blocks_hit integer
-- column blocks_read integer
-- column temp_written integer
-- column jit_ms number
WITH stated AS MATERIALIZED (
    SELECT to_jsonb(s) AS j FROM :schema.:view s
), counted AS (
    SELECT t.j ->> 'queryid' AS query_id,
           max(t.j ->> 'query') AS query,
           (array_agg((t.j ->> 'userid')::int8 ORDER BY (t.j ->> 'total_exec_time')::float8 DESC))[1] AS user_id,
           sum((t.j ->> 'calls')::int8)::int8 AS calls,
           sum((t.j ->> 'total_exec_time')::float8) AS total_ms,
           sum((t.j ->> 'rows')::int8)::int8 AS rows,
           sum((t.j ->> 'shared_blks_hit')::int8)::int8 AS blocks_hit,
           sum((t.j ->> 'shared_blks_read')::int8)::int8 AS blocks_read,
           sum((t.j ->> 'temp_blks_written')::int8)::int8 AS temp_written,
           sum(coalesce((t.j ->> 'jit_generation_time')::float8, 0) + coalesce((t.j ->> 'jit_inlining_time')::float8, 0)
               + coalesce((t.j ->> 'jit_optimization_time')::float8, 0)
               + coalesce((t.j ->> 'jit_emission_time')::float8, 0)) AS jit_ms
      FROM stated t
     WHERE (t.j ->> 'dbid')::oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND coalesce((t.j ->> 'toplevel')::bool, true)
     GROUP BY 1
)
SELECT coalesce(c.query_id, '') AS query_id,
       coalesce(c.query, '') AS query,
       (SELECT d.oid::int8 FROM pg_database d WHERE d.datname = current_database()) AS database_id,
       current_database()::text AS database,
       coalesce(c.user_id, 0) AS user_id,
       coalesce(c.calls, 0) AS calls,
       coalesce(c.total_ms, 0) AS total_ms,
       coalesce(c.rows, 0) AS rows,
       coalesce(c.blocks_hit, 0) AS blocks_hit,
       coalesce(c.blocks_read, 0) AS blocks_read,
       coalesce(c.temp_written, 0) AS temp_written,
       coalesce(c.jit_ms, 0) AS jit_ms
  FROM counted c
 WHERE c.query_id IS NOT NULL
   AND (c.query_id = :query_id::text
        OR (:query_id::text IS NULL
            AND c.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*[^/])*\*/)*(select|with|insert|update|delete|merge|values)\M'
            AND c.query NOT LIKE '%/* lbops */'
            AND c.query !~* '\m((from|join)\s+(pg_|information_schema\.)|pg_stat_statements|hypopg)'))
   AND c.calls >= :min_calls
   AND (c.total_ms >= :min_mean_ms * c.calls OR c.query_id = ANY (:sooner_ids::text[]))
 ORDER BY array_position(:sooner_ids::text[], c.query_id), c.query_id = ANY (:later_ids::text[]), c.total_ms DESC, query_id
 LIMIT :most
