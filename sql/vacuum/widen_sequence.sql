-- summary: lets a sequence count on: no row is touched, and whoever takes a value waits only for that
-- kind: change
-- server: 15-18
-- param schema identifier
-- param sequence identifier
ALTER SEQUENCE :schema.:sequence AS bigint
