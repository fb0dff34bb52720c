-- summary: the statements that would make indexes anew, as they are, with their constraint and without blocking writers
-- kind: read
-- server: 15-18
-- note: those of a locked table are left out: writing one down takes a lock too. The one of a partitioned table cannot be
-- note: made concurrently; as the server writes it down it would leave the partitions out.
-- param index_ids integer[] as oid
-- column index_id integer
-- column definition text
SELECT c.oid::int8 AS index_id,
       CASE WHEN k.conname IS NOT NULL
            THEN format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, t.relname, k.conname,
                        pg_get_constraintdef(k.oid))
            WHEN c.relkind = 'I'
            THEN regexp_replace(pg_get_indexdef(c.oid),
                                '^(CREATE (?:UNIQUE )?INDEX (?:"(?:[^"]|"")*"|[^ ]+) ON )ONLY ', '\1')
            ELSE regexp_replace(pg_get_indexdef(c.oid), '^CREATE (UNIQUE )?INDEX ', 'CREATE \1INDEX CONCURRENTLY ')
        END AS definition
  FROM pg_class c
  JOIN pg_index i ON i.indexrelid = c.oid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')
 WHERE c.oid = ANY (:index_ids)
   AND NOT EXISTS (SELECT
                     FROM pg_locks l
                    WHERE l.relation = i.indrelid
                      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                      AND l.mode = 'AccessExclusiveLock'
                      AND l.pid IS DISTINCT FROM pg_backend_pid())
