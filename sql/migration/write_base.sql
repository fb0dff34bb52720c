-- summary: notes what a migration is applied to
-- kind: change
-- server: 15-18
-- note: a file that failed half-way has been noted: what it found then is its base.
-- param branch text
-- param script text
-- param generation integer
-- param checksum text
-- param objects text[]
-- param prints text[]
INSERT INTO lbops_migration.base (branch, script, generation, checksum, objects, prints)
VALUES (:branch, :script, :generation, :checksum, :objects, :prints)
    ON CONFLICT DO NOTHING
