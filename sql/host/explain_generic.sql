-- summary: plans of prepared statements are for any values from here on, in this session
-- kind: change
-- server: 15-18
SET plan_cache_mode TO force_generic_plan
