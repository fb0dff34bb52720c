-- summary: makes a table the partition for a range of time
-- kind: change
-- server: 15-18
-- param parent_schema identifier
-- param parent identifier
-- param schema identifier
-- param table identifier
-- param lower text
-- param upper text
ALTER TABLE :parent_schema.:parent ATTACH PARTITION :schema.:table FOR VALUES FROM (:lower) TO (:upper)
