-- summary: does the lakehouse answer
-- kind: lake
-- column one integer
SELECT CAST(1 AS BIGINT) AS one
