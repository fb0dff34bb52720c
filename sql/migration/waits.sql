-- summary: how long this session's statements wait for a lock, and how long they may take in all; 0: no limit
-- kind: read
-- server: 15-18
-- column wait_ms integer
-- column most_ms integer
SELECT max(s.setting::int8) FILTER (WHERE s.name = 'lock_timeout') AS wait_ms,
       max(s.setting::int8) FILTER (WHERE s.name = 'statement_timeout') AS most_ms
  FROM pg_settings s
 WHERE s.name IN ('lock_timeout', 'statement_timeout')
