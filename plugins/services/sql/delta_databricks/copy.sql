-- Outbox files into their table. A path that it has loaded is never loaded again, whatever has become of the file, so
-- that this can be sent as often as one likes. What the files have the table has: a new column is added before.
COPY INTO {table} FROM {folder} FILEFORMAT = PARQUET FILES = ({files}) COPY_OPTIONS ('mergeSchema' = 'false', 'force' = 'false')
