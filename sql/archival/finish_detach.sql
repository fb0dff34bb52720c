-- summary: ends what detach_concurrently has begun
-- kind: change
-- server: 15-18
-- param parent_schema identifier
-- param parent identifier
-- param schema identifier
-- param table identifier
ALTER TABLE :parent_schema.:parent DETACH PARTITION :schema.:table FINALIZE
