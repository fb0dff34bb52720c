-- summary: the statements that would make indexes anew
-- kind: read
-- server: 15-18
-- note: those of a locked table are left out: writing one down takes a lock too.
-- param index_ids integer[] as oid
-- column index_id integer
-- column definition text
SELECT c.oid::int8 AS index_id,
       pg_get_indexdef(c.oid) AS definition
  FROM pg_class c
  JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.oid = ANY (:index_ids)
   AND NOT EXISTS (SELECT
                     FROM pg_locks l
                    WHERE l.relation = i.indrelid
                      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                      AND l.mode = 'AccessExclusiveLock'
                      AND l.pid IS DISTINCT FROM pg_backend_pid())
