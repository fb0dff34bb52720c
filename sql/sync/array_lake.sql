-- summary: arrays of a copy
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN t.:column IS NULL THEN NULL ELSE array_join(transform(t.:column,
    x -> CASE WHEN x IS NULL THEN '~' ELSE concat(bit_length(CAST(x AS STRING)), ':', CAST(x AS STRING)) END), ';') END
