-- summary: makes the planner of this session believe in an index
-- kind: read
-- server: 15-18
-- note: the function is hypopg_create_index, in the schema of its extension.
-- param schema identifier like pg_catalog
-- param function identifier like to_regclass
-- param definition text
-- column hypothesis json
SELECT to_jsonb(h) AS hypothesis
  FROM :schema.:function(:definition) AS h
