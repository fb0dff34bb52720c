-- summary: something to do for a server that takes longer than 0.2 ms
-- kind: read
-- server: 15-18
-- param rows integer
-- column total integer
SELECT sum(g)::bigint AS total FROM generate_series(1, :rows) AS g
