-- summary: leaves two of five rows of that table dead
-- kind: change
-- server: 15-18
DELETE FROM rehearsed.incident
 WHERE id % 5 < 2
