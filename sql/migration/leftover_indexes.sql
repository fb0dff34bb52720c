-- summary: what concurrent rebuilds that failed have left on a table, or on the table of an index, its partitions and their overflow; without a name on all tables of a schema, or of the database
-- kind: read
-- server: 15-18
-- note: ours is what a rebuild of this name can have left that began after the transaction `since`, the first one of each table.
-- note: a rebuild makes all copies of a table in one transaction, which their columns have kept; where an old index has given its
-- note: place away, those of the one that took it (the same transaction has renamed both). That of one index makes one copy, so
-- note: a single one is a whole table's only where that has no other index. Overflow is last: with it the rest is known by.
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
   UNION ALL
  SELECT c.oid, NULL::oid
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE :name = ''
     AND (n.nspname = :schema OR :schema = '')
     AND n.nspname <> 'pg_catalog'
     AND c.relkind IN ('r', 'm')
), tables AS (
  SELECT id FROM named
   UNION
  SELECT p.relid::oid FROM named, pg_partition_tree(named.id) p
), heaps AS (
  SELECT id, id AS owner FROM tables
   UNION ALL
  SELECT t.reltoastrelid, t.oid FROM pg_class t JOIN tables ON tables.id = t.oid WHERE t.reltoastrelid <> 0
), rebuilt AS (
  SELECT c.relname AS name
    FROM pg_class c
   WHERE c.oid IN (SELECT index FROM named
                    UNION ALL
                   SELECT p.relid FROM named, pg_partition_tree(named.index) p)
), indexes AS (
  SELECT h.owner, x.indexrelid, x.indrelid, x.indisvalid, x.indisexclusion, c.relnamespace, c.relname, c.xmin AS writer,
         (SELECT a.xmin FROM pg_attribute a WHERE a.attrelid = x.indexrelid AND a.attnum = 1) AS born
    FROM heaps h
    JOIN pg_index x ON x.indrelid = h.id
    JOIN pg_class c ON c.oid = x.indexrelid
), leftovers AS (
  SELECT i.*, i.relname ~ '_ccnew[0-9]*$' AS is_new, regexp_replace(i.relname, '_cc(new|old)[0-9]*$', '') AS base,
         CASE WHEN i.relname ~ '_ccnew[0-9]*$' THEN i.born
              ELSE (SELECT w.born FROM indexes w WHERE w.indrelid = i.indrelid AND w.indisvalid AND w.writer = i.writer LIMIT 1)
         END AS rebuild
    FROM indexes i
   WHERE NOT i.indisvalid
     AND i.relname ~ '_cc(new|old)[0-9]*$'
), judged AS (
  SELECT l.*, age(l.rebuild) AS since_then,
         coalesce(age(l.rebuild) < age(:since::int8::text::xid), false)
           AND CASE WHEN EXISTS (SELECT FROM named WHERE index IS NOT NULL)
                    THEN EXISTS (SELECT FROM rebuilt r
                                  WHERE r.name = l.base
                                     OR (starts_with(r.name, l.base) AND octet_length(l.relname) >= 60))
                    ELSE (SELECT count(*) + count(*) FILTER (WHERE i.indrelid <> i.owner)
                            FROM indexes i WHERE i.owner = l.owner AND i.born = l.rebuild) > 1
                      OR (SELECT count(*) FROM indexes i
                           WHERE i.owner = l.owner AND i.indisvalid AND NOT i.indisexclusion
                             AND age(i.born) > age(l.rebuild)) <= l.is_new::int
               END AS may_be_ours
    FROM leftovers l
)
SELECT n.nspname AS schema, l.relname AS name, l.indrelid::regclass::text AS relation, pg_relation_size(l.indexrelid) AS bytes,
       coalesce(l.may_be_ours AND l.since_then = max(l.since_then) FILTER (WHERE l.may_be_ours) OVER (PARTITION BY l.owner),
                false) AS is_ours
  FROM judged l
  JOIN pg_namespace n ON n.oid = l.relnamespace
 WHERE NOT EXISTS (SELECT FROM pg_stat_progress_create_index p JOIN heaps h ON h.id = p.relid WHERE h.owner = l.owner)
   AND NOT EXISTS (SELECT FROM pg_locks k
                    WHERE k.locktype = 'relation'
                      AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                      AND k.relation = l.indexrelid
                      AND k.mode IN ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
                      AND k.pid <> pg_backend_pid())
 ORDER BY l.indrelid <> l.owner, n.nspname, l.relname
