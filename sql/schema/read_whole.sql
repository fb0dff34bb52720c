-- summary: all objects of the model in one statement, which sees them as they are at one moment
-- kind: read
-- server: 15-18
-- param objects sql like SELECT 1::int8 AS catalog, 1::int8 AS object, 0::int8 AS part, ''::text AS kind, ''::text AS schema, ''::text AS address, ''::text AS name, 1::int8 AS up_catalog, 1::int8 AS up_object, 0::int8 AS up_part, '{}'::text[] AS attrs
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
SELECT o.catalog, o.object, o.part, o.kind, o.schema, o.address, o.name, o.up_catalog, o.up_object, o.up_part, o.attrs
  FROM (:objects) o
