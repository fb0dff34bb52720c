-- summary: what concurrent rebuilds that failed have left on a table, or on the table of an index, its partitions and their overflow
-- kind: read
-- server: 15-18
-- note: ours is what a rebuild of this name can have left, in a row that is younger than the transaction `since`.
-- note: a rebuild has a copy of each index before it builds the first one, and the view of what is being built names only
-- note: that; so nothing on its table is left behind while it lasts. Its locks are seen without a privilege, too.
-- param schema text
-- param name text
-- param since integer null
-- column schema text
-- column name text
-- column relation text
-- column bytes integer
-- column is_ours boolean
WITH named AS (
  SELECT coalesce(i.indrelid, c.oid) AS id, i.indexrelid AS index
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
   WHERE n.nspname = :schema
     AND c.relname = :name
), tables AS (
  SELECT id FROM named
   UNION
  SELECT p.relid::oid FROM named, pg_partition_tree(named.id) p
), heaps AS (
  SELECT id FROM tables
   UNION
  SELECT t.reltoastrelid FROM pg_class t JOIN tables ON tables.id = t.oid WHERE t.reltoastrelid <> 0
), rebuilt AS (
  SELECT c.relname AS name
    FROM pg_class c
   WHERE c.oid IN (SELECT index FROM named
                    UNION ALL
                   SELECT p.relid FROM named, pg_partition_tree(named.index) p)
), leftovers AS (
  SELECT x.indexrelid, x.indrelid, c.relnamespace, c.relname, c.xmin AS writer,
         regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '') AS base
    FROM pg_index x
    JOIN pg_class c ON c.oid = x.indexrelid
   WHERE NOT x.indisvalid
     AND c.relname ~ '_cc(new|old)[0-9]*$'
     AND x.indrelid IN (SELECT id FROM heaps)
)
SELECT n.nspname AS schema, l.relname AS name, l.indrelid::regclass::text AS relation, pg_relation_size(l.indexrelid) AS bytes,
       coalesce(age(l.writer) < age(:since::int8::text::xid), false)
         AND (EXISTS (SELECT FROM named WHERE index IS NULL)
              OR EXISTS (SELECT FROM rebuilt r
                          WHERE r.name = l.base
                             OR (starts_with(r.name, l.base) AND octet_length(l.relname) >= 60))) AS is_ours
  FROM leftovers l
  JOIN pg_namespace n ON n.oid = l.relnamespace
 WHERE NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.relid IN (SELECT id FROM heaps))
   AND NOT EXISTS (SELECT FROM pg_locks k
                    WHERE k.locktype = 'relation'
                      AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                      AND k.relation = l.indexrelid
                      AND k.mode IN ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
                      AND k.pid <> pg_backend_pid())
 ORDER BY n.nspname, l.relname
