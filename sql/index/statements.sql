-- summary: the statements of this database that cost most, of those that run often enough or long enough
-- kind: read
-- server: 15-18
-- note: cut texts and those of other people that may not be seen are left to the reader.
-- param counted sql like SELECT '' AS query_id, '' AS query, 1::int8 AS calls, 1::int8 AS rows, 1::float8 AS total_ms
-- param min_calls integer
-- param min_mean_ms number
-- param min_share number
-- param most integer
-- column query_id text
-- column query text
-- column calls integer
-- column rows integer
-- column total_ms number
-- column mean_ms number
-- column share number
WITH stated AS MATERIALIZED (
    :counted
), shared AS (
    SELECT t.*, t.total_ms / greatest(sum(t.total_ms) OVER (), 1e-9) AS share
      FROM stated t
)
SELECT coalesce(t.query_id, '') AS query_id,
       coalesce(t.query, '') AS query,
       t.calls AS calls,
       t.rows AS rows,
       t.total_ms AS total_ms,
       t.total_ms / greatest(t.calls, 1) AS mean_ms,
       t.share AS share
  FROM shared t
 WHERE t.calls >= :min_calls
   AND (t.total_ms >= :min_mean_ms * t.calls OR t.share >= :min_share)
 ORDER BY t.total_ms DESC, query_id
 LIMIT :most
