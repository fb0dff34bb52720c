-- the actions of a snapshot, one JSON object a line in $1, as a checkpoint, $2
COPY (
    SELECT *
    FROM read_json($1, format = 'newline_delimited', maximum_object_size = 8388608, columns = {
        txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',
        add: 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR)',
        remove: 'STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT)',
        metaData: 'STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)',
        protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)'
    })
) TO $2 (FORMAT parquet, COMPRESSION zstd)
