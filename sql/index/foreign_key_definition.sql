-- summary: the statement that would make a foreign key anew, as it is
-- kind: read
-- server: 15-18
-- param key_id integer as oid
-- column definition text
SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, t.relname, k.conname, pg_get_constraintdef(k.oid))
           AS definition
  FROM pg_constraint k
  JOIN pg_class t ON t.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE k.oid = :key_id
