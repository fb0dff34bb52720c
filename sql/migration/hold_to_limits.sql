-- summary: reads the limits back that hold for what comes, and ends it where the server has not taken one
-- kind: change
-- server: 15-18
-- note: what is set beside the server (a pooler's query, another session behind it) is not what it was meant to be.
DO $$
DECLARE
    limits text;
BEGIN
    SELECT string_agg(format('%s is %s ms and was set to %s', s.name, s.setting,
                             nullif(current_setting('lbops_migration.' || s.name, true), '')), '; ' ORDER BY s.name)
      INTO limits
      FROM pg_settings s
     WHERE s.name IN ('lock_timeout', 'idle_in_transaction_session_timeout', 'statement_timeout', 'transaction_timeout')
       AND s.setting <> nullif(current_setting('lbops_migration.' || s.name, true), '');
    IF limits IS NOT NULL THEN
        RAISE EXCEPTION 'the server has not taken the limits: %', limits
            USING ERRCODE = 'LB004', HINT = 'connect to the server itself: a pooler before it may keep settings to itself';
    END IF;
END
$$
