-- summary: counts what two filters leave of a table
-- kind: read
-- server: 15-18
-- param shown sql[] null like 1
-- param table identifier like pg_class
-- param filter sql null like AND true
-- param other sql null like AND true
-- param limit_rows integer
-- column rows integer
SELECT count(*) AS rows
  FROM (SELECT :shown FROM :table WHERE true :filter :other LIMIT :limit_rows) AS kept
