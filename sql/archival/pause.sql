-- summary: lets others have the server for a moment
-- kind: change
-- server: 15-18
-- param seconds number
SELECT pg_sleep(:seconds)
