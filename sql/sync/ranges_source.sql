-- summary: the parts of a table by ranges of a whole-number key, each named by where it begins
-- kind: fragment
-- note: joined and not computed: of a join the server knows how few parts there are, and sums them without sorting.
-- param key identifier
-- param low integer
-- param width integer
-- param last integer
-- example: SELECT p.b FROM pg_class AS t :fragment
LEFT JOIN generate_series(CAST(0 AS bigint), CAST(:last AS bigint), CAST(:width AS bigint)) AS p(b)
       ON p.b = (t.:key - :low) - ((t.:key - :low) % :width) AND t.:key >= :low
