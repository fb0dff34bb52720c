-- summary: writes into the ledger of migrations
-- kind: change
-- server: 15-18
-- param kind text
-- param version text
-- param script text
-- param generation integer
-- param state text
-- param step integer as int4
-- param steps integer as int4
-- param attempt integer as int4
-- param checksum text
-- param meaning text
-- param error text null
INSERT INTO lbops_migration.ledger (kind, version, script, generation, state, step, steps, attempt, checksum, meaning, error)
VALUES (:kind, :version, :script, :generation, :state, :step, :steps, :attempt, :checksum, :meaning, :error)
