-- summary: one tenant's rows, and no others, for one role
-- kind: change
-- server: 15-18
-- param name identifier
-- param schema identifier
-- param table identifier
-- param role identifier
-- param key identifier
-- param tenant text
CREATE POLICY :name ON :schema.:table TO :role USING (:key = :tenant) WITH CHECK (:key = :tenant)
