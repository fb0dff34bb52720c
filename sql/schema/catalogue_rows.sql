-- summary: the rows of the catalogues that say what a schema is, each by the transaction that wrote it
-- kind: fragment
-- example: SELECT r.xid FROM (:fragment) r
-- note: those of temporary tables and of what others keep beside the tables are none of it
WITH spaces AS MATERIALIZED (
    SELECT n.oid, n.xmin
      FROM pg_namespace n
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), relations AS MATERIALIZED (
    SELECT c.oid, c.xmin
      FROM pg_class c
      JOIN spaces s ON s.oid = c.relnamespace
), written AS (
    SELECT xmin FROM spaces
    UNION ALL SELECT xmin FROM relations
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
SELECT w.xmin::text::int8 AS xid FROM written w
