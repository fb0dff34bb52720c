-- summary: rows and digest of each part of a copy
-- kind: lake
-- note: sixty bits fit a BIGINT, and DuckDB takes a hundred times as long from text to DECIMAL as from there.
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param forms sql[] like t.relname AS c1, '' AS b
-- param cells sql like f.c1
-- param condition sql null
-- column part text
-- column rows integer
-- column digest text
SELECT f.b AS part,
       count(*) AS rows,
       CAST(sum(CAST(CAST(conv(substr(md5(:cells), 1, 15), 16, 10) AS BIGINT) AS DECIMAL(20, 0))) AS STRING) AS digest
  FROM (SELECT :forms FROM :catalog.:schema.:name AS t WHERE true :condition) AS f
 GROUP BY f.b
