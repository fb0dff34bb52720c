-- summary: a constraint as a server printed it
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param name identifier
-- param body definition like CHECK (true)
ALTER TABLE :schema.:table ADD CONSTRAINT :name :body
