-- summary: active jobs of pg_cron
-- kind: read
-- server: 15-18
-- note: for a database that has the extension; others' jobs are hidden from who is no superuser.
-- column name text
-- column detail text null
SELECT j.jobid::text AS name,
       concat_ws(': ', j.schedule, left(j.command, 200)) AS detail
  FROM cron.job j
 WHERE j.active
 ORDER BY j.jobid
