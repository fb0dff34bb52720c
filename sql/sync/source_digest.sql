-- summary: rows and digest of each part of a table
-- kind: read
-- server: 15-18
-- note: parts are told apart by their numbers and named afterwards, each once; ~ is what lies outside of all.
-- param schema identifier like pg_catalog
-- param name identifier like pg_class
-- param forms sql[] like t.relname::text AS c1, '' AS b
-- param cells sql like f.c1
-- param parts_of sql null like LEFT JOIN generate_series(0, 1) AS p(b) ON true
-- param condition sql null
-- column part text
-- column rows integer
-- column digest text
SELECT coalesce(CAST(f.b AS text), '~') AS part,
       count(*) AS rows,
       CAST(sum(CAST(CAST(CAST('x' || substr(md5(:cells), 1, 15) AS bit(60)) AS bigint) AS numeric)) AS text) AS digest
  FROM (SELECT :forms FROM :schema.:name AS t :parts_of WHERE true :condition) AS f
 GROUP BY f.b
