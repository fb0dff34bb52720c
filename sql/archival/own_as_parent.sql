-- summary: gives a new partition to the owner of its parent, who alters both at once
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param owner identifier
ALTER TABLE :schema.:table OWNER TO :owner
