-- summary: gives storage parameters of a table back to the server's settings
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param names identifier[]
ALTER TABLE :schema.:table RESET (:names)
