-- summary: makes the table of steps: what was done with which batch
-- kind: change
-- server: 15-18
-- note: exported: its rows are in the lakehouse, counted and summed there. deleted: they are gone here, which is written
-- note: by the statement that deletes them: from then on the lakehouse's are the rows. given_up: rows had changed, what
-- note: was exported does not count. A deleted batch that was brought back is given_up with the checksum restored, and
-- note: keeps the moment at which its rows had left.
CREATE TABLE IF NOT EXISTS lbops_archive.steps (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  batch text NOT NULL REFERENCES lbops_archive.batches,
  state text NOT NULL CHECK (state IN ('exported', 'deleted', 'given_up')),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  rows bigint NOT NULL,
  digest bigint NOT NULL,
  bytes bigint,
  checksum text,
  version bigint,
  UNIQUE (batch, state)
)
