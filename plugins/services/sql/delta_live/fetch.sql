-- the next rows, as many as DuckDB takes at once
FETCH FORWARD {count} FROM {cursor}
