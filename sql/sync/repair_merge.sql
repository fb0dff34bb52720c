-- summary: makes rows of a copy those that the source has, and takes out those that it has not
-- kind: lake
-- note: rows come as JSON, each value as the text that both sides agree on.
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param rows text
-- param shape text
-- param key sql like t.relname
-- param sets sql[] like relname = s.k
-- param columns identifier[]
-- param values sql[] like s.k
-- column changed integer
MERGE INTO :catalog.:schema.:name AS t
USING (SELECT inline(from_json(:rows, :shape))) AS s
   ON :key = s.k
 WHEN MATCHED AND s.gone IS NOT NULL THEN DELETE
 WHEN MATCHED THEN UPDATE SET :sets
 WHEN NOT MATCHED AND s.gone IS NULL THEN INSERT (:columns) VALUES (:values)
