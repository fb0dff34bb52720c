-- summary: the database that a schema is read from, and what it shares with its branches alone
-- kind: read
-- server: 15-18
-- column database text
-- column system_identifier text
-- column database_oid integer
SELECT d.datname::text AS database,
       (SELECT c.system_identifier FROM pg_control_system() c)::text AS system_identifier,
       d.oid::int8 AS database_oid
  FROM pg_database d
 WHERE d.datname = current_database()
