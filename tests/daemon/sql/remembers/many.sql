-- summary: as many rows as are wanted, each as long as is wanted
-- kind: history
-- param rows integer
-- param width integer
-- column n integer
-- column filler text
SELECT r.range AS n, repeat('x', CAST(:width AS INTEGER)) AS filler
  FROM range(0, :rows) r
