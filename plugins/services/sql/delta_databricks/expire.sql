-- whole partitions that are older than the table's rows are kept
DELETE FROM {table} WHERE {partition} < :before
