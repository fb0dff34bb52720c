-- summary: puts what is at risk now beside what was decided on, for this transaction or the session
-- kind: change
-- server: 15-18
-- param state sql like SELECT ''::text AS found
-- param decided text
-- param here boolean
SELECT set_config('lbops.at_risk', s.found, :here), set_config('lbops.decided', :decided, :here) FROM (:state) s
