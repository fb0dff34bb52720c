-- summary: has a view ask with the rights of who reads it
-- kind: change
-- server: 15-18
-- param schema identifier
-- param view identifier
ALTER VIEW :schema.:view SET (security_invoker = true)
