-- summary: whether the server tells everybody how far it has written its log
-- kind: read
-- server: 15-18
-- note: everybody, as a script may go on as another role, and a refusal would end its transaction.
-- column told boolean
SELECT NOT pg_catalog.pg_is_in_recovery()
       AND pg_catalog.has_function_privilege('public', 'pg_catalog.pg_current_wal_insert_lsn()', 'EXECUTE') AS told
