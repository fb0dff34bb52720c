-- summary: operator classes of B-trees and hash indexes: their family, and whether equal keys are equal bytes
-- kind: read
-- server: 15-18
-- column opclass_id integer
-- column family_id integer
-- column is_equal_image boolean
-- column is_default boolean
SELECT c.oid::int8 AS opclass_id,
       c.opcfamily::int8 AS family_id,
       EXISTS (SELECT
                 FROM pg_amproc p
                WHERE p.amprocfamily = c.opcfamily
                  AND p.amproclefttype = c.opcintype
                  AND p.amprocrighttype = c.opcintype
                  AND p.amprocnum = 4) AS is_equal_image,
       c.opcdefault AS is_default
  FROM pg_opclass c
  JOIN pg_am m ON m.oid = c.opcmethod
 WHERE m.amname IN ('btree', 'hash')
 ORDER BY c.oid
