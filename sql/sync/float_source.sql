-- summary: floats of a server: mantissa and power of two, as engines print them in their own ways
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN t.:column IS NULL THEN NULL
     WHEN CAST(t.:column AS float8) = 'NaN' THEN 'NaN'
     WHEN abs(CAST(t.:column AS float8)) > 1.7976931348623157e308 THEN CASE WHEN t.:column > 0 THEN 'Infinity' ELSE '-Infinity' END
     WHEN t.:column = 0 THEN '0'
     ELSE concat(CASE WHEN t.:column < 0 THEN '-' ELSE '' END,
                 CAST(CAST(abs(CAST(t.:column AS float8))
                           * power(CAST(2 AS float8), floor((60 - floor(ln(abs(CAST(t.:column AS float8))) / 0.6931471805599453 + 0.000000001)) / 2))
                           * power(CAST(2 AS float8), (60 - floor(ln(abs(CAST(t.:column AS float8))) / 0.6931471805599453 + 0.000000001)) - floor((60 - floor(ln(abs(CAST(t.:column AS float8))) / 0.6931471805599453 + 0.000000001)) / 2)) AS bigint) AS text),
                 'p', CAST(CAST((60 - floor(ln(abs(CAST(t.:column AS float8))) / 0.6931471805599453 + 0.000000001)) AS bigint) AS text)) END
