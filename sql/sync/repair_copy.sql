-- summary: how many rows of a copy have some keys, and the sum of their digests, as one text
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param forms sql[] like t.relname AS c1, t.relname AS k
-- param cells sql like f.c1
-- param keys text[]
-- param condition sql null
-- column said text
SELECT concat(CAST(count(*) AS STRING), ' rows of digest ',
              coalesce(CAST(sum(CAST(CAST(conv(substr(md5(:cells), 1, 15), 16, 10) AS BIGINT) AS DECIMAL(20, 0))) AS STRING),
                       '0')) AS said
  FROM (SELECT :forms FROM :catalog.:schema.:name AS t WHERE true :condition) AS f
 WHERE f.k IN (:keys)
