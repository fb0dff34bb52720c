-- summary: the parts of a table by the digests of keys, each the number that a digest begins with
-- kind: fragment
-- note: joined and not computed: of a join the server knows how few parts there are, and sums them without sorting.
-- param key sql like t.relname
-- example: SELECT p.b FROM pg_class AS t :fragment
LEFT JOIN generate_series(0, 4095) AS p(b) ON p.b = CAST(CAST('x' || substr(md5(:key), 1, 3) AS bit(12)) AS integer)
