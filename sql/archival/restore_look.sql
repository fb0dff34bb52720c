-- summary: what rows of the lakehouse come to here, how many of them are in the table, and how many of those with other values
-- kind: read
-- server: 15-18
-- param came sql like SELECT 1::oid AS oid
-- param row_digest sql like 1::int8
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param keys sql[] like t.oid
-- param came_keys sql[] like c.oid
-- column rows integer
-- column digest integer
-- column there integer
-- column other integer
WITH came AS MATERIALIZED (
    SELECT t.*, :row_digest AS lbops_digest
      FROM (:came) AS t
)
SELECT count(*) AS rows,
       coalesce(sum(c.lbops_digest), 0)::int8 AS digest,
       count(h.digest) AS there,
       count(*) FILTER (WHERE h.digest <> c.lbops_digest) AS other
  FROM came c
  LEFT JOIN LATERAL (SELECT :row_digest AS digest
                       FROM :schema.:table t
                      WHERE (:keys) = (:came_keys)) h ON true
