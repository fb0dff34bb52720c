-- summary: writes down where the last batch of a statement will end, so that rows which come later do not keep it going
-- kind: change
-- server: 15-18
-- param begun integer
-- param up_to text[]
INSERT INTO lbops_migration.batches (begun, number, key, rows) VALUES (:begun, 0, :up_to, 0) ON CONFLICT DO NOTHING
