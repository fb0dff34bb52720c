-- summary: an index as HypoPG is told of it
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param body sql like (x)
CREATE INDEX ON :schema.:table :body
