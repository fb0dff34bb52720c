-- summary: lets others have the server for a moment, and for a longer one the more of them are at work
-- kind: change
-- server: 15-18
-- note: at work is who runs a statement or has ended one within a second: between the short ones of a busy application
-- note: hardly anybody is seen to run any. Our own sessions do not count. Up to eight times as long, a minute at most, and
-- note: half of what a statement may take. Whoever may not see what others do rests as if nobody did anything.
-- param seconds number
SELECT pg_sleep(least(:seconds * (1 + least(7, (SELECT count(*)
                                                  FROM pg_stat_activity a
                                                 WHERE a.backend_type = 'client backend'
                                                   AND (a.state = 'active' OR a.state_change > clock_timestamp() - interval '1 s')
                                                   AND coalesce(a.application_name, '') NOT LIKE 'lbops%'
                                                   AND a.pid <> pg_backend_pid()))),
                      60,
                      (SELECT nullif(s.setting::float8, 0) / 2000 FROM pg_settings s WHERE s.name = 'statement_timeout')))
