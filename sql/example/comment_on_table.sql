-- summary: sets the comment on a table, or takes it away
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param comment text null
COMMENT ON TABLE :schema.:table IS :comment
