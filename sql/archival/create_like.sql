-- summary: makes a table that can become a partition of another
-- kind: change
-- server: 15-18
-- note: its indexes come with the attachment. Made apart, it does not lock its parent out.
-- param schema identifier
-- param table identifier
-- param parent_schema identifier
-- param parent identifier
CREATE TABLE :schema.:table (LIKE :parent_schema.:parent INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS
                                                         INCLUDING STORAGE INCLUDING COMPRESSION)
