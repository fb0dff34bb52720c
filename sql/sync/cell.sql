-- summary: a column in the text of its row: what it is and how long, so that no two rows have one text
-- kind: fragment
-- param name identifier
-- example: SELECT concat(:fragment) FROM (SELECT 1 AS c1) AS f
CASE WHEN f.:name IS NULL THEN '~' ELSE concat(bit_length(f.:name), ':', f.:name) END
