-- summary: makes the role that a tenant's people become members of; nobody logs in as it
-- kind: change
-- server: 15-18
-- param role identifier
CREATE ROLE :role NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
