-- summary: whether two statements return the same rows, each as often, and in the same order
-- kind: read
-- server: 15-18
-- note: both are executed, so ask where that harms nobody. Rows are compared as they print, since not every type can be.
-- note: keys: names of columns that they are sorted by. misplaced: rows in whose place another key stands.
-- param original definition like SELECT 1
-- param rewrite definition like SELECT 1
-- param keys text[]
-- column row_count integer
-- column rewrite_row_count integer
-- column missing integer
-- column added integer
-- column moved integer
-- column misplaced integer
WITH a AS MATERIALIZED (
    SELECT row_number() OVER () AS place, lbops_row::text AS content,
           CASE WHEN cardinality(:keys::text[]) > 0 AND to_jsonb(lbops_row) ?& :keys::text[]
                THEN (SELECT jsonb_agg(to_jsonb(lbops_row) -> k.name ORDER BY k.at)
                        FROM unnest(:keys::text[]) WITH ORDINALITY k (name, at)) END AS keys
      FROM (:original) lbops_row
), b AS MATERIALIZED (
    SELECT row_number() OVER () AS place, lbops_row::text AS content,
           CASE WHEN cardinality(:keys::text[]) > 0 AND to_jsonb(lbops_row) ?& :keys::text[]
                THEN (SELECT jsonb_agg(to_jsonb(lbops_row) -> k.name ORDER BY k.at)
                        FROM unnest(:keys::text[]) WITH ORDINALITY k (name, at)) END AS keys
      FROM (:rewrite) lbops_row
)
SELECT (SELECT count(*) FROM a) AS row_count,
       (SELECT count(*) FROM b) AS rewrite_row_count,
       (SELECT count(*) FROM (SELECT a.content FROM a EXCEPT ALL SELECT b.content FROM b) x) AS missing,
       (SELECT count(*) FROM (SELECT b.content FROM b EXCEPT ALL SELECT a.content FROM a) x) AS added,
       (SELECT count(*) FROM a JOIN b ON b.place = a.place WHERE b.content IS DISTINCT FROM a.content) AS moved,
       (SELECT count(*) FROM a LEFT JOIN b ON b.place = a.place
         WHERE a.keys IS NULL OR b.keys IS DISTINCT FROM a.keys) AS misplaced
