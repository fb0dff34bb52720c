-- summary: takes a self-test's schema away
-- kind: change
-- server: 15-18
-- param schema identifier
DROP SCHEMA :schema CASCADE
