-- summary: two hashes as one
-- kind: fragment
-- example: SELECT :fragment
-- param one sql like 1::int8
-- param other sql like 2::int8
(:one # :other)
