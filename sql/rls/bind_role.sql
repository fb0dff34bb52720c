-- summary: holds a role to the policies again
-- kind: change
-- server: 15-18
-- param role identifier
ALTER ROLE :role NOSUPERUSER NOBYPASSRLS
