-- summary: what migrations were applied to on this branch, in their order
-- kind: read
-- server: 15-18
-- param branch text
-- column script text
-- column checksum text
-- column objects text[]
-- column prints text[]
SELECT b.script, b.checksum, b.objects, b.prints FROM lbops_migration.base b WHERE b.branch = :branch ORDER BY b.id
