-- $1 the schema. What our promises depend on is pinned, whatever role and database say: what was
-- acknowledged is on disk (unless the server runs with fsync off), and names mean ours.
SELECT set_config('search_path', 'pg_catalog, ' || quote_ident($1) || ', pg_temp', false),
       set_config('lbops.schema', $1, false),
       set_config('synchronous_commit',
                  CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'
                       ELSE current_setting('synchronous_commit') END, false),
       set_config('default_transaction_isolation', 'read committed', false)
