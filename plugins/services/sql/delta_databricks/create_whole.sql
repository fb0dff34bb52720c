-- a history table without partitions
CREATE TABLE IF NOT EXISTS {table} ({columns}) USING DELTA COMMENT {doc}
