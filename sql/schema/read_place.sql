-- summary: the database that a schema is read from, and what it shares with its branches alone
-- kind: read
-- server: 15-18
-- column database text
-- column system_identifier text
-- column database_oid integer
-- column has_ledger boolean
SELECT d.datname::text AS database,
       (SELECT c.system_identifier FROM pg_control_system() c)::text AS system_identifier,
       d.oid::int8 AS database_oid,
       EXISTS (SELECT FROM pg_class c
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'lbops_migration'
                  AND c.relname = 'ledger'
                  AND has_schema_privilege(n.oid, 'USAGE')
                  AND has_table_privilege(c.oid, 'SELECT')) AS has_ledger
  FROM pg_database d
 WHERE d.datname = current_database()
