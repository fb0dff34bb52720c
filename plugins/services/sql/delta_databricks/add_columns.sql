-- columns that an older version did not know
ALTER TABLE {table} ADD COLUMNS ({columns})
