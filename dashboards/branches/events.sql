-- query: branches.events
-- set: Branches
-- title: What happened to branches
-- chart: bars
-- window: 30 days
-- empty: Nothing yet: `lbops run create_branch` makes one.
-- column: event_day x date Day
-- column: event_type series text Event
-- column: events y count Events
-- column: branches cell count Branches
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT CAST(b.event_timestamp AS DATE) AS event_day, b.event_type, count(*) AS events,
       count(DISTINCT b.project_id || '/' || b.branch_id) AS branches
  FROM branch_lifecycle b
  JOIN upto u ON b.event_timestamp > u.moment - INTERVAL 30 DAYS
 GROUP BY CAST(b.event_timestamp AS DATE), b.event_type
 ORDER BY event_day, b.event_type
