-- summary: what vacuum passes over: foreign tables, temporary tables of sessions, partitioned tables with what their leaves say
-- kind: read
-- server: 15-18
-- note: autovacuum never analyzes a partitioned table itself; its row count is from the last ANALYZE that somebody ran.
-- param may_vacuum sql like true
-- column schema text
-- column name text
-- column relation integer
-- column kind text
-- column may_maintain boolean
-- column rows_known number
-- column leaves integer
-- column leaf_rows number
-- column last_analyze timestamp null
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       c.oid::int8 AS relation,
       c.relkind::text AS kind,
       :may_vacuum AS may_maintain,
       c.reltuples::float8 AS rows_known,
       coalesce(l.leaves, 0) AS leaves,
       coalesce(l.leaf_rows, 0) AS leaf_rows,
       greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS last_analyze
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (SELECT count(*) AS leaves, sum(greatest(k.reltuples, 0))::float8 AS leaf_rows
                       FROM pg_partition_tree(c.oid) t
                       JOIN pg_class k ON k.oid = t.relid
                      WHERE t.isleaf AND k.relkind <> 'p') l ON c.relkind = 'p'
 WHERE c.relkind IN ('f', 'p')
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_(catalog|toast)|lbops_)'
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY schema, name
