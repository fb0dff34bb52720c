-- summary: which operator families of B-trees and hash indexes know which operators as their equality
-- kind: read
-- server: 15-18
-- column family_id integer
-- column operator_id integer
SELECT o.amopfamily::int8 AS family_id,
       o.amopopr::int8 AS operator_id
  FROM pg_amop o
  JOIN pg_am m ON m.oid = o.amopmethod
 WHERE (m.amname = 'btree' AND o.amopstrategy = 3)
    OR (m.amname = 'hash' AND o.amopstrategy = 1)
