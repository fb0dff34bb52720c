-- summary: how long this session's statements wait for a lock
-- kind: read
-- server: 15-18
-- column wait_ms integer
SELECT s.setting::int8 AS wait_ms
  FROM pg_settings s
 WHERE s.name = 'lock_timeout'
