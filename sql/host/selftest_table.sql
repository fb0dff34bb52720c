-- summary: makes a self-test's table, with some rows
-- kind: change
-- server: 15-18
-- param schema identifier
CREATE TABLE :schema.trial AS SELECT n FROM pg_catalog.generate_series(1, 100) AS n
