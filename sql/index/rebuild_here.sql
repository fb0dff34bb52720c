-- summary: builds an index anew in the plain way, where nobody else uses its table
-- kind: change
-- server: 15-18
-- param schema identifier
-- param name identifier
REINDEX INDEX :schema.:name
