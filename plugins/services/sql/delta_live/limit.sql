-- no statement takes longer than the question has, in milliseconds; 0: it has all the time
SELECT pg_catalog.set_config('statement_timeout', $1, true)
