-- summary: forgets what was decided on, of which a session was told
-- kind: change
-- server: 15-18
SELECT set_config('lbops.at_risk', '', false), set_config('lbops.decided', '', false)
