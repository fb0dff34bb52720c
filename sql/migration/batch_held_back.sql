-- summary: whose transaction may still see what batches have left behind, so that no vacuum clears it away; none: nobody's, or this role may not know
-- kind: read
-- server: 15-18
-- note: one that was there before the first of them. Who came later is kept from newer rows at most by such a one.
-- param first text
-- column pid integer
-- column who text
-- column state text null
-- column seconds number
SELECT a.pid::int8 AS pid, format('session %s (%s)', a.pid, coalesce(nullif(a.application_name, ''), 'without a name')) AS who,
       a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.backend_type = 'client backend'
   AND a.pid <> pg_backend_pid()
   AND a.xact_start IS NOT NULL
   AND greatest(age(a.backend_xmin), age(a.backend_xid)) >= age((:first)::xid8::xid)
 ORDER BY a.xact_start
 LIMIT 1
