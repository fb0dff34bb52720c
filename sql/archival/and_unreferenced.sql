-- summary: and nobody refers to it by one foreign key, nor by the others
-- kind: fragment
-- example: SELECT 1 FROM pg_class t WHERE true :fragment
-- param schema identifier
-- param table identifier
-- param child sql[]
-- param parent sql[]
-- param others sql null like AND true
AND NOT EXISTS (SELECT FROM :schema.:table c WHERE (:child) = (:parent)) :others
