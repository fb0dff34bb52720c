-- summary: how long others have the server to themselves between two batches: the longer, the more of them are at work
-- kind: rest
-- server: 15-18
-- note: at work is who runs a statement or has ended one within a second: between the short ones of a busy application
-- note: hardly anybody is seen to run any. Our own sessions do not count. Up to eight times as long, and nine times what
-- note: the batch took, so that others have nine tenths of the time, which ends at thirty times; a minute at most, and
-- note: half of what a session may be idle. Whoever may not see what others do rests as if nobody did anything.
-- param seconds number
-- column at_least number
-- column times number
-- column at_most number
SELECT least(:seconds * (1 + least(7, o.at_work)), m.seconds) AS at_least,
       CASE WHEN o.at_work > 0 THEN 9 ELSE 0 END::float8 AS times,
       least(:seconds * 30, m.seconds) AS at_most
  FROM (SELECT count(*)::float8 AS at_work
          FROM pg_stat_activity a
         WHERE a.backend_type = 'client backend'
           AND (a.state = 'active' OR a.state_change > clock_timestamp() - interval '1 s')
           AND coalesce(a.application_name, '') NOT LIKE 'lbops%'
           AND a.pid <> pg_backend_pid()) AS o,
       (SELECT least(60, min(nullif(s.setting::float8, 0)) / 2000) AS seconds
          FROM pg_settings s
         WHERE s.name = 'idle_session_timeout') AS m
