-- summary: has a function work with the rights of who calls it
-- kind: change
-- server: 15-18
-- param routine definition like public.f(integer)
ALTER ROUTINE :routine SECURITY INVOKER
