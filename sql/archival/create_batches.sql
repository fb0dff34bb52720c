-- summary: makes the table of batches: ranges of keys whose cold rows leave together
-- kind: change
-- server: 15-18
-- note: rows are only ever added. A batch is the rows of the source with a key after after_key and up to up_to_key whose
-- note: moment lies before the cutoff. Its key is that of the rows in the lakehouse.
CREATE TABLE IF NOT EXISTS lbops_archive.batches (
  batch text PRIMARY KEY,
  archival text NOT NULL,
  place integer NOT NULL,
  planned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  source_id oid NOT NULL,
  source_schema text NOT NULL,
  source_table text NOT NULL,
  lake_catalog text NOT NULL,
  lake_schema text NOT NULL,
  lake_table text NOT NULL,
  time_column text NOT NULL,
  threshold_days double precision NOT NULL,
  cutoff timestamptz NOT NULL,
  after_key text[],
  up_to_key text[] NOT NULL,
  UNIQUE (archival, place)
)
