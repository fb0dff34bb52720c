-- summary: writes down a batch before anything is done with it
-- kind: change
-- server: 15-18
-- param batch text
-- param archival text
-- param place integer as int4
-- param source_id integer as oid
-- param source_schema text
-- param source_table text
-- param lake_catalog text
-- param lake_schema text
-- param lake_table text
-- param time_column text
-- param threshold_days number
-- param cutoff timestamp
-- param after_key text[] null
-- param up_to_key text[]
INSERT INTO lbops_archive.batches
       (batch, archival, place, source_id, source_schema, source_table, lake_catalog, lake_schema, lake_table, time_column,
        threshold_days, cutoff, after_key, up_to_key)
VALUES (:batch, :archival, :place, :source_id, :source_schema, :source_table, :lake_catalog, :lake_schema, :lake_table,
        :time_column, :threshold_days, :cutoff, :after_key, :up_to_key)
