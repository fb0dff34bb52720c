-- summary: what a session says that then idles
-- kind: read
-- server: 15-18
-- column one integer
SELECT 1::int8 AS one
