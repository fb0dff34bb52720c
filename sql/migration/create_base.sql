-- summary: makes the list of what migrations were applied to
-- kind: change
-- server: 15-18
-- note: for each file, how the objects that it names were defined before it, as far as they were there.
-- note: the branch tells rows that were written here from those that came along from the branch's source.
CREATE TABLE IF NOT EXISTS lbops_migration.base (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  branch text NOT NULL,
  script text NOT NULL,
  generation bigint NOT NULL,
  checksum text NOT NULL,
  objects text[] NOT NULL,
  prints text[] NOT NULL,
  UNIQUE (branch, script, generation, checksum)
)
