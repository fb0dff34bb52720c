-- summary: the rows of the catalogues that say what a schema is, each by the transaction that wrote it, or by what it says
-- kind: fragment
-- example: SELECT r.xid, r.mark FROM (:fragment) r
-- note: those of temporary tables and of what others keep beside the tables are none of it. A table's own row is written
-- note: anew when it is truncated, refreshed or rebuilt: it counts by what it says, from when its first column is there.
WITH spaces AS MATERIALIZED (
    SELECT n.oid, n.xmin
      FROM pg_namespace n
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), relations AS MATERIALIZED (
    SELECT c.oid,
           (SELECT a.xmin FROM pg_attribute a WHERE a.attrelid = c.oid ORDER BY a.attnum LIMIT 1) AS xmin,
           hashtextextended(concat_ws(' ', c.oid, c.relname, c.relnamespace, c.relowner, c.relkind, c.relpersistence, c.relam,
                                      c.reltablespace, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
                                      c.relispartition, c.reloptions, c.relacl), 0) AS mark
      FROM pg_class c
      JOIN spaces s ON s.oid = c.relnamespace
), written AS (
    SELECT xmin FROM spaces
    UNION ALL SELECT t.xmin FROM pg_attribute t JOIN relations r ON r.oid = t.attrelid
    UNION ALL SELECT t.xmin FROM pg_attrdef t JOIN relations r ON r.oid = t.adrelid
    UNION ALL SELECT t.xmin FROM pg_index t JOIN relations r ON r.oid = t.indexrelid
    UNION ALL SELECT t.xmin FROM pg_inherits t JOIN relations r ON r.oid = t.inhrelid
    UNION ALL SELECT t.xmin FROM pg_rewrite t JOIN relations r ON r.oid = t.ev_class
    UNION ALL SELECT t.xmin FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid
    UNION ALL SELECT t.xmin FROM pg_policy t JOIN relations r ON r.oid = t.polrelid
    UNION ALL SELECT t.xmin FROM pg_constraint t JOIN spaces s ON s.oid = t.connamespace
    UNION ALL SELECT t.xmin FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
    UNION ALL SELECT t.xmin FROM pg_proc t JOIN spaces s ON s.oid = t.pronamespace
    UNION ALL SELECT t.xmin FROM pg_operator t JOIN spaces s ON s.oid = t.oprnamespace
    UNION ALL SELECT t.xmin FROM pg_enum t
)
SELECT w.xmin::text::int8 AS xid, w.xmin::text::int8 AS mark FROM written w
 UNION ALL
SELECT coalesce(r.xmin::text::int8, 2) AS xid, r.mark AS mark FROM relations r
