-- $1 days
DELETE FROM approval WHERE outcome IS NOT NULL AND settled_at < now() - $1 * interval '1 day'
