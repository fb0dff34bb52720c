-- summary: the same of a float, from its mantissa and power of two, as no two engines print all of them alike
-- kind: fragment
-- note: the power in two halves, neither of which is beyond what a float holds where the value is at its ends.
-- param place definition like 1
-- param type definition
-- param column identifier
-- example: SELECT :fragment FROM (SELECT ARRAY['1'] AS cells) AS r
CAST((SELECT CASE WHEN f.power = '' THEN CAST(f.mantissa AS float8)
                  ELSE CAST(CAST(f.mantissa AS int8) AS float8)
                       * power(CAST(2 AS float8), -(CAST(f.power AS int4) / 2))
                       * power(CAST(2 AS float8), CAST(f.power AS int4) / 2 - CAST(f.power AS int4)) END
        FROM (SELECT split_part(r.cells[ :place ], 'p', 1) AS mantissa, split_part(r.cells[ :place ], 'p', 2) AS power) AS f)
     AS :type) AS :column
