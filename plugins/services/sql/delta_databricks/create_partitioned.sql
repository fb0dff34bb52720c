-- a history table that grows, one partition for each date
CREATE TABLE IF NOT EXISTS {table} ({columns}) USING DELTA PARTITIONED BY ({partition}) COMMENT {doc}
