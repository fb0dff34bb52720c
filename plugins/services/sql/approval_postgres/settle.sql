-- $1 id, $2 outcome
UPDATE approval SET outcome = $2, settled_at = now() WHERE id = $1 AND outcome IS NULL
