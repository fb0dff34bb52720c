-- outbox files of a table without partitions into one Parquet file, $1
COPY (FROM outbox()) TO $1 (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)
