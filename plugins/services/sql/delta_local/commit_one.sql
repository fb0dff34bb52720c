-- a few rows of outbox files, all of one date, into the Parquet file {target}. Compressed in a hurry: compaction writes
-- these rows again
COPY (SELECT {columns} FROM outbox()) TO {target} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, RETURN_STATS)
