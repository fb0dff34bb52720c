-- summary: fails unless a table is empty, and keeps it so from then on
-- kind: change
-- server: 15-18
-- note: the server itself looks, and refuses rows that come later, as it would without the table. Its name says which
-- note: table it was a partition of, and that it was closed by us: whoever goes on with that finds it by that.
-- param schema identifier
-- param table identifier
-- param constraint identifier
ALTER TABLE :schema.:table ADD CONSTRAINT :constraint CHECK (false)
