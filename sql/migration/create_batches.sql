-- summary: makes the list of the batches in which statements of migrations were executed
-- kind: change
-- server: 15-18
-- note: rows are only ever added, each in the transaction that executes its batch; being unique it keeps a batch from
-- note: being executed twice. key is the last one of the batch; that of batch 0 is where the last batch will end, and
-- note: those below zero are planned.
CREATE TABLE IF NOT EXISTS lbops_migration.batches (
  begun bigint NOT NULL REFERENCES lbops_migration.ledger ON DELETE CASCADE,
  number bigint NOT NULL,
  key text[] NOT NULL,
  rows bigint NOT NULL,
  began_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (begun, number)
)
