-- summary: puts what is at risk now beside what was decided on, for this transaction
-- kind: change
-- server: 15-18
-- param state sql like SELECT ''::text AS found
-- param decided text
SELECT set_config('lbops.at_risk', s.found, true), set_config('lbops.decided', :decided, true) FROM (:state) s
