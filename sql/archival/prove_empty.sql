-- summary: fails unless a table is empty, and keeps it so until the transaction ends
-- kind: change
-- server: 15-18
-- note: the server itself looks, under the lock that the drop takes anyway.
-- param schema identifier
-- param table identifier
ALTER TABLE :schema.:table ADD CONSTRAINT lbops_is_empty CHECK (false)
