-- summary: writes down what was done with a batch
-- kind: change
-- server: 15-18
-- param batch text
-- param state text
-- param rows integer
-- param digest integer
-- param bytes integer null
-- param checksum text null
-- param version integer null
INSERT INTO lbops_archive.steps (batch, state, rows, digest, bytes, checksum, version)
VALUES (:batch, :state, :rows, :digest, :bytes, :checksum, :version)
