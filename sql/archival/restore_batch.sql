-- summary: puts the rows of a batch that are not there back into their table, and gives the batch up, if all are what had left
-- kind: change
-- server: 15-18
-- note: what counts is what the table has then, by the digest that the batch was deleted with: a trigger that alters a row, a
-- note: computed column that comes to something else, a row that is there with other values, or a batch that somebody else
-- note: has brought back, fails the whole statement, with the text that is no number. The batch's step stays: it tells when
-- note: its rows had left.
-- param batch text
-- param rows integer
-- param digest integer
-- param came sql like SELECT 1::oid AS oid
-- param row_digest sql like 1::int8
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param keys sql[] like t.oid
-- param came_keys sql[] like c.oid
-- param columns identifier[] like oid
-- param written sql[] like c.oid
WITH came AS MATERIALIZED (
    :came
), there AS MATERIALIZED (
    SELECT :row_digest AS digest
      FROM :schema.:table t
     WHERE (:keys) IN (SELECT :came_keys FROM came c)
), added AS (
    INSERT INTO :schema.:table AS t (:columns) OVERRIDING SYSTEM VALUE
    SELECT :written
      FROM came c
     WHERE NOT EXISTS (SELECT FROM :schema.:table t WHERE (:keys) = (:came_keys))
    RETURNING :row_digest AS digest
), back AS (
    UPDATE lbops_archive.steps s
       SET state = 'given_up', checksum = 'restored'
     WHERE s.batch = :batch
       AND s.state = 'deleted'
    RETURNING 1
), total AS (
    SELECT count(*) AS rows,
           coalesce(sum(a.digest), 0)::int8 AS digest,
           (SELECT count(*) FROM back) AS batches
      FROM (SELECT h.digest FROM there h UNION ALL SELECT n.digest FROM added n) a
)
SELECT CASE WHEN o.rows = :rows AND o.digest = :digest AND o.batches = 1 THEN o.rows
            ELSE CAST(concat('batch ', :batch, ' is not brought back: ', :rows, ' rows had left, and here would be ', o.rows,
                             CASE WHEN o.digest = :digest THEN ' with the same' ELSE ' with other' END, ' values',
                             CASE WHEN o.batches = 1 THEN '' ELSE '; somebody else has brought it back' END) AS int8) END AS rows
  FROM total o
