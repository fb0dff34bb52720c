-- DuckDB: an outbox file as Parquet, which says its types itself; $1 is the new file
COPY (FROM outbox()) TO $1 (FORMAT parquet, COMPRESSION zstd)
