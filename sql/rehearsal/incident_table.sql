-- summary: makes the table of a planted incident
-- kind: change
-- server: 15-18
-- param row_count integer
CREATE TABLE rehearsed.incident AS
SELECT g.n AS id, repeat('x', 100) AS filler
  FROM generate_series(1, :row_count) AS g (n)
