-- summary: notes for this transaction what its limits are meant to be
-- kind: change
-- server: 15-18
-- note: exact decimals are measures to whoever compares proposals. Null: it was left as it was.
-- param wait_ms numeric
-- param idle_ms numeric
-- param most_ms numeric null
-- param transaction_ms numeric null
SELECT set_config('lbops_migration.lock_timeout', (:wait_ms::numeric)::text, true) AS lock_timeout,
       set_config('lbops_migration.idle_in_transaction_session_timeout', (:idle_ms::numeric)::text, true) AS idle,
       set_config('lbops_migration.statement_timeout', coalesce((:most_ms::numeric)::text, ''), true) AS statement_timeout,
       set_config('lbops_migration.transaction_timeout', coalesce((:transaction_ms::numeric)::text, ''), true) AS whole
