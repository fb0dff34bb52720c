-- summary: makes the ledger of migrations
-- kind: change
-- server: 15-18
-- note: rows are only ever added. A row `done` says that the statements up to `step` of `steps` have been executed; it is
-- note: written in the transaction that executes them, and being unique it keeps them from being executed twice.
-- note: `begun` stands before what cannot be in a transaction, `failed` says why something did not work, `told` up to
-- note: which row (generation) others have heard of it.
CREATE TABLE IF NOT EXISTS lbops_migration.ledger (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  kind text NOT NULL CHECK (kind IN ('versioned', 'repeatable', 'undo', 'baseline', 'report')),
  version text NOT NULL,
  script text NOT NULL,
  generation bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('begun', 'done', 'failed', 'told')),
  step integer NOT NULL CHECK (step >= 0),
  steps integer NOT NULL CHECK (steps >= step),
  attempt integer NOT NULL DEFAULT 0,
  checksum text NOT NULL,
  meaning text NOT NULL,
  error text,
  UNIQUE (kind, version, script, generation, state, step, attempt)
)
