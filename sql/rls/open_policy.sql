-- summary: every row, for roles that work for all tenants
-- kind: change
-- server: 15-18
-- param name identifier
-- param schema identifier
-- param table identifier
-- param roles identifier[]
CREATE POLICY :name ON :schema.:table TO :roles USING (true) WITH CHECK (true)
