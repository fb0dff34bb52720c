-- summary: the sessions that a planted incident has here, and what they do
-- kind: read
-- server: 15-18
-- param application text
-- column sessions integer
-- column idle integer
-- column in_transaction integer
-- column waiting integer
-- column pid integer null
SELECT count(*) AS sessions,
       count(*) FILTER (WHERE a.state = 'idle') AS idle,
       count(*) FILTER (WHERE a.state = 'idle in transaction') AS in_transaction,
       count(*) FILTER (WHERE a.wait_event_type = 'Lock') AS waiting,
       min(a.pid)::int8 AS pid
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.application_name = :application
