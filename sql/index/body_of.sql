-- summary: what an index of one table says behind the table's name, unless it is unique
-- kind: read
-- server: 15-18
-- note: that of a locked table is left out: writing it down takes a lock too.
-- param index_id integer as oid
-- column body text
SELECT substr(pg_get_indexdef(c.oid), length(format('CREATE INDEX %I ON %I.%I ', c.relname, n.nspname, t.relname)) + 1) AS body
  FROM pg_class c
  JOIN pg_index i ON i.indexrelid = c.oid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE c.oid = :index_id
   AND c.relkind = 'i'
   AND NOT i.indisunique
   AND NOT EXISTS (SELECT
                     FROM pg_locks l
                    WHERE l.relation = i.indrelid
                      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                      AND l.mode = 'AccessExclusiveLock'
                      AND l.pid IS DISTINCT FROM pg_backend_pid())
