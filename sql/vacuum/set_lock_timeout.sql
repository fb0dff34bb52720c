-- summary: how long this session waits for a lock
-- kind: change
-- server: 15-18
-- note: as text with its unit, as the server shows it.
-- param timeout text
SET lock_timeout TO :timeout
