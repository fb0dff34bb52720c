SELECT id, revision, verdict, decided_by, reason, (extract(epoch FROM decided_at) * 1000000)::int8 AS decided_at
  FROM approval
 WHERE verdict IS NOT NULL AND outcome IS NULL
 ORDER BY decided_at, id
