-- summary: the moment at which a schema is read, and what the rows of its catalogues add up to then
-- kind: read
-- server: 15-18
-- param rows sql like SELECT 1::int8 AS xid, 1::int8 AS mark
-- column catalog integer
-- column object integer
-- column part integer
-- column kind text
-- column schema text null
-- column address text
-- column name text null
-- column up_catalog integer
-- column up_object integer
-- column up_part integer
-- column attrs text[]
SELECT 0::int8 AS catalog,
       0::int8 AS object,
       0::int8 AS part,
       'mark' AS kind,
       NULL::text AS schema,
       pg_current_snapshot()::text AS address,
       (SELECT concat_ws(' ', count(*), sum(r.mark)) FROM (:rows) r) AS name,
       0::int8 AS up_catalog,
       0::int8 AS up_object,
       0::int8 AS up_part,
       '{}'::text[] AS attrs
