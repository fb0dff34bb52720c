-- summary: in which schema pg_stat_statements is, where it counts
-- kind: read
-- server: 15-18
-- column database text
-- column schema text null
-- column is_loaded boolean
SELECT current_database()::text AS database,
       (SELECT n.nspname::text
          FROM pg_extension e
          JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements') AS schema,
       current_setting('pg_stat_statements.max', true) IS NOT NULL AS is_loaded
