-- summary: makes a policy that was changed show one tenant's rows again, and no others
-- kind: change
-- server: 15-18
-- param name identifier
-- param schema identifier
-- param table identifier
-- param role identifier
-- param key identifier
-- param tenant text
ALTER POLICY :name ON :schema.:table TO :role USING (:key = :tenant) WITH CHECK (:key = :tenant)
