-- summary: the database of this session, as alerts about its tables name it
-- kind: read
-- server: 15-18
-- column database text
SELECT current_database()::text AS database
