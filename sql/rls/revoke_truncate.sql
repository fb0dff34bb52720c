-- summary: TRUNCATE asks no policy
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param role identifier
REVOKE TRUNCATE ON :schema.:table FROM :role
