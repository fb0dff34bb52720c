-- summary: how many rows a table has, how many values in them and in each column, and a sum over all of it and over each
-- kind: read
-- server: 15-18
-- note: as documents without nulls, so that neither the order of columns counts nor one that is new and empty.
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- column rows integer
-- column filled integer
-- column sum text
-- column columns json
WITH docs AS NOT MATERIALIZED (
    SELECT jsonb_strip_nulls(to_jsonb(t)) AS doc FROM :schema.:table t
), by_column AS (
    SELECT e.key, count(*) AS filled, sum(hashtextextended(e.value::text, 0)::numeric)::text AS sum
      FROM docs d
     CROSS JOIN jsonb_each(d.doc) e
     GROUP BY e.key
), by_row AS (
    SELECT count(*) AS rows, coalesce(sum(hashtextextended(d.doc::text, 0)::numeric), 0)::text AS sum FROM docs d
)
SELECT r.rows AS rows,
       (SELECT coalesce(sum(c.filled), 0)::int8 FROM by_column c) AS filled,
       r.sum AS sum,
       (SELECT coalesce(jsonb_object_agg(c.key, jsonb_build_object('filled', c.filled, 'sum', c.sum)), '{}')
          FROM by_column c) AS columns
  FROM by_row r
