-- summary: what is at risk now, in words
-- kind: read
-- server: 15-18
-- param state sql like SELECT ''::text AS found
-- column found text
SELECT s.found FROM (:state) s
