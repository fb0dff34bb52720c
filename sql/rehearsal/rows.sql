-- summary: how many rows a table has, how many values in them, and a sum over all of it
-- kind: read
-- server: 15-18
-- note: as documents without nulls, so that neither the order of columns counts nor one that is new and empty.
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- column rows integer
-- column filled integer
-- column sum text
SELECT count(*) AS rows,
       coalesce(sum((SELECT count(*) FROM jsonb_object_keys(d.doc))), 0)::int8 AS filled,
       coalesce(sum(hashtextextended(d.doc::text, 0)::numeric), 0)::text AS sum
  FROM (SELECT jsonb_strip_nulls(to_jsonb(t)) AS doc FROM :schema.:table t) d
