-- summary: a row with a moment that the lakehouse cannot hold, by which of the columns, and how many such rows there are
-- kind: read
-- server: 15-18
-- param conditions sql[] like false
-- param moments sql[] like t.oid::text
-- param texts sql[] like t.oid::text
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param scope sql like true
-- column place integer
-- column moment text
-- column row_key text
-- column key_digest text
-- column rows integer
SELECT u.place, u.moments[u.place] AS moment, u.row_key, md5(u.row_key) AS key_digest, u.rows
  FROM (SELECT array_position(ARRAY[:conditions], true)::int8 AS place,
               ARRAY[:moments] AS moments,
               concat(array_to_string(ARRAY[:texts], ';'), ';') AS row_key,
               count(*) OVER () AS rows
          FROM :schema.:table t
         WHERE true IN (:conditions) AND :scope
         LIMIT 1) u
