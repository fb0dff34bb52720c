-- summary: comments, each for the object of the model that it is on
-- kind: read
-- server: 15-18
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
SELECT d.classoid::int8 AS catalog,
       d.objoid::int8 AS object,
       d.objsubid::int8 AS part,
       '+' AS kind,
       NULL::text AS schema,
       '' AS address,
       NULL::text AS name,
       0::int8 AS up_catalog,
       0::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['comment', d.description] AS attrs
  FROM pg_description d
 WHERE d.objoid >= 16384
    OR d.classoid = 'pg_namespace'::regclass
