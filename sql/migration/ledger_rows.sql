-- summary: what has been done of which migration, in the order in which it was done
-- kind: read
-- server: 15-18
-- column id integer
-- column recorded_at timestamp
-- column kind text
-- column version text
-- column script text
-- column generation integer
-- column state text
-- column step integer
-- column steps integer
-- column checksum text
-- column meaning text
-- column error text null
SELECT l.id, l.recorded_at, l.kind, l.version, l.script, l.generation, l.state, l.step, l.steps, l.checksum, l.meaning, l.error
  FROM lbops_migration.ledger l
 ORDER BY l.id
