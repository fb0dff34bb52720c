-- summary: a sum that takes as long as its argument makes it
-- kind: history
-- param rows integer
-- column total number
SELECT CAST(sum((a.range * 31 + b.range) % 7) AS DOUBLE) AS total
  FROM range(0, :rows) a, range(0, 1000) b
