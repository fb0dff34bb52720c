-- summary: the day on which we alone kept a compute awake for longest, of the days on which we looked
-- kind: history
-- param since timestamp
-- column longest_s number null
-- column days number null
SELECT CAST(max(d.awake_s) AS DOUBLE) AS longest_s, CAST(count(*) AS DOUBLE) AS days
  FROM (SELECT sum(t.awake_seconds) AS awake_s
          FROM tool_runs t
         WHERE t.started_at >= :since
           AND t.branch_id IS NOT NULL
         GROUP BY t.project_id, t.branch_id, date_trunc('day', t.started_at)) d
