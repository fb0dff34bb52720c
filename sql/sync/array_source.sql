-- summary: arrays that the copy keeps as arrays
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN t.:column IS NULL THEN NULL ELSE coalesce((
    SELECT string_agg(CASE WHEN u.e IS NULL THEN '~'
                           ELSE concat(bit_length(CAST(u.e AS text)), ':', CAST(u.e AS text)) END, ';' ORDER BY u.n)
      FROM unnest(t.:column) WITH ORDINALITY AS u (e, n)), '') END
