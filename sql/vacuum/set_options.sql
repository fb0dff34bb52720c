-- summary: sets storage parameters of a table; nobody who reads or writes it waits
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param options sql[] like autovacuum_enabled = '1'
ALTER TABLE :schema.:table SET (:options)
