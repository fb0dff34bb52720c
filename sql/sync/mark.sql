-- summary: a short digest of one column
-- kind: fragment
-- param name identifier
-- example: SELECT concat(:fragment) FROM (SELECT 1 AS c1) AS f
CASE WHEN f.:name IS NULL THEN '-------;' ELSE concat(substr(md5(f.:name), 1, 7), ';') END
