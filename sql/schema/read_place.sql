-- summary: the database that a schema is read from
-- kind: read
-- server: 15-18
-- column database text
SELECT current_database()::text AS database
