-- summary: active jobs of pg_cron
-- kind: read
-- server: 15-18
-- note: what a job executes is left out, as it may hold a password.
-- note: for a database that has the extension; others' jobs are hidden from who is no superuser.
-- column name text
-- column detail text null
SELECT j.jobid::text AS name,
       j.schedule AS detail
  FROM cron.job j
 WHERE j.active
 ORDER BY j.jobid
