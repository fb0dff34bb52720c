-- summary: the row of the ledger which says that a statement was begun that is executed in batches
-- kind: read
-- server: 15-18
-- param kind text
-- param version text
-- param script text
-- param generation integer
-- param step integer as int4
-- column id integer
-- column meaning text
SELECT l.id, l.meaning
  FROM lbops_migration.ledger l
 WHERE l.state = 'begun'
   AND l.kind = :kind
   AND l.version = :version
   AND (l.version <> '' OR l.script = :script)
   AND l.generation = :generation
   AND l.step = :step
 ORDER BY l.id
 LIMIT 1
