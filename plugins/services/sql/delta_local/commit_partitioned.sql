-- outbox files into one Parquet file for each date; $1 is a new folder
COPY (FROM outbox()) TO $1 (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date), FILENAME_PATTERN 'part-{uuid}', RETURN_STATS)
