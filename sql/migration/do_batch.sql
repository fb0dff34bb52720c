-- summary: executes a statement for the rows of a batch, writes down that it did, and says how many these were
-- kind: change
-- server: 15-18
-- note: the batch has been executed before where its number is taken: then the whole fails, its rows and all.
-- param statement definition like UPDATE pg_class SET relname = relname
-- param condition definition like relname IS NULL
-- param after sql null like AND true
-- param within sql like AND true
-- param begun integer
-- param number integer
-- param up_to text[]
WITH changed AS (
    :statement WHERE ( :condition ) :after :within
    RETURNING 1
)
INSERT INTO lbops_migration.batches (begun, number, key, rows)
VALUES (:begun, :number, :up_to, (SELECT count(*) FROM changed))
RETURNING rows
