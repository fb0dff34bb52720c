-- summary: deletes the rows of a batch if they are still those that were exported, and writes down that it did
-- kind: change
-- server: 15-18
-- note: rows are locked first, so that what is counted and summed is what is deleted. Where one is locked by others, has
-- note: changed, has gone or has come, nothing is deleted and nothing is written. A trigger that keeps some of them would
-- note: leave rows in both places: then the division fails the whole statement. Rows are found again by where they are:
-- note: a join alone would read the whole table for each batch. Of a batch that was given up since this was asked for nothing
-- note: is deleted.
-- param batch text
-- param rows integer
-- param digest integer
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param row_digest sql like 1::int8
-- param scope sql like true
-- param and_there sql null like AND true
WITH found AS MATERIALIZED (
    SELECT t.tableoid AS part, t.ctid AS place, :row_digest AS digest
      FROM :schema.:table t
     WHERE :scope
       FOR UPDATE SKIP LOCKED
), total AS MATERIALIZED (
    SELECT count(*) AS rows, coalesce(sum(f.digest), 0)::int8 AS digest
      FROM found f
     WHERE NOT EXISTS (SELECT FROM lbops_archive.steps g WHERE g.batch = :batch AND g.state = 'given_up')
), gone AS (
    DELETE FROM :schema.:table t
     WHERE t.ctid = ANY (ARRAY(SELECT f.place
                                 FROM found f
                                CROSS JOIN total s
                                WHERE s.rows = :rows
                                  AND s.digest = :digest))
       :and_there
    RETURNING 1
)
INSERT INTO lbops_archive.steps (batch, state, rows, digest)
SELECT :batch, 'deleted', s.rows / (CASE WHEN (SELECT count(*) FROM gone) = s.rows THEN 1 ELSE 0 END), s.digest
  FROM total s
 WHERE s.rows = :rows
   AND s.digest = :digest
