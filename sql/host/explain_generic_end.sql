-- summary: takes back what host/explain_generic has set
-- kind: change
-- server: 15-18
RESET plan_cache_mode
