-- summary: valid indexes of the tables that have rows to speak of, with what would make each anew
-- kind: read
-- server: 15-18
-- note: those of a locked table are left out: writing one down takes a lock too.
-- param min_rows number
-- param most integer
-- column schema text
-- column name text
-- column table_name text
-- column scans integer
-- column definition text
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       t.relname::text AS table_name,
       coalesce(pg_stat_get_numscans(c.oid), 0) AS scans,
       pg_get_indexdef(c.oid) AS definition
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE i.indisvalid
   AND i.indislive
   AND c.relkind = 'i'
   AND t.relpersistence <> 't'
   AND n.nspname !~ '^pg_'
   AND n.nspname <> 'information_schema'
   AND greatest(t.reltuples, pg_stat_get_live_tuples(t.oid)) >= :min_rows
   AND NOT EXISTS (SELECT
                     FROM pg_locks l
                    WHERE l.relation IN (i.indrelid, i.indexrelid)
                      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                      AND l.mode = 'AccessExclusiveLock'
                      AND l.pid IS DISTINCT FROM pg_backend_pid())
 ORDER BY greatest(t.reltuples, pg_stat_get_live_tuples(t.oid)) DESC, c.oid
 LIMIT :most
