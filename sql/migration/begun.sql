-- summary: the transaction in which it was noted that something of a migration is under way, outside of transactions
-- kind: read
-- server: 15-18
-- param kind text
-- param version text
-- param script text
-- column transaction integer
SELECT l.xmin::text::int8 AS transaction
  FROM lbops_migration.ledger l
 WHERE l.state = 'begun'
   AND l.kind = :kind
   AND l.version = :version
   AND (l.version <> '' OR l.script = :script)
 ORDER BY l.id DESC
 LIMIT 1
