-- summary: makes a partition a table of its own while others use its parent
-- kind: change
-- server: 15-18
-- note: it waits for all that may still know the partition. Where that is broken off, it is left half done, and
-- note: finish_detach ends it. Not where there is a default partition.
-- param parent_schema identifier
-- param parent identifier
-- param schema identifier
-- param table identifier
ALTER TABLE :parent_schema.:parent DETACH PARTITION :schema.:table CONCURRENTLY
