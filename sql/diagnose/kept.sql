-- summary: what a diagnosis was made from, and what it said
-- kind: history
-- param diagnosis text
-- column diagnosed_at timestamp
-- column project text null
-- column branch text null
-- column verdict text
-- column inputs text
-- column said text
SELECT d.diagnosed_at,
       d.project_id AS project,
       d.branch_id AS branch,
       d.verdict,
       d.inputs,
       d.said
  FROM diagnosis_history d
 WHERE d.diagnosis_id = :diagnosis
 ORDER BY d.diagnosed_at
 LIMIT 1
