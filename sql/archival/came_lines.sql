-- summary: rows of the lakehouse in the types that they have here, from the texts of their cells
-- kind: fragment
-- note: what text_cell_lake makes of a text is taken back: the ; ends a cell, an empty one is a null.
-- param columns sql[] like 1::oid AS oid
-- param lines text[]
-- example: SELECT 1 FROM (:fragment) AS t
SELECT :columns
  FROM (SELECT ARRAY(SELECT CASE WHEN u.cell <> '' THEN replace(replace(substr(u.cell, 2), '^2', ';'), '^1', '^') END
                       FROM unnest(string_to_array(l.line, ';')) WITH ORDINALITY AS u (cell, place)
                      ORDER BY u.place) AS cells
          FROM unnest(:lines::text[]) AS l (line)) AS r
