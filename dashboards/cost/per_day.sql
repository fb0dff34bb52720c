-- query: cost.per_day
-- set: Cost
-- title: Cost at list price
-- note: What the billing tables say, at the price of the day; usage without a price counts nothing; each currency by itself.
-- chart: bars
-- window: 30 days
-- empty: No bill was read yet: `lbops run track_cost_attribution` reads it in a workspace.
-- column: usage_day x date Day
-- column: project_id series text Project
-- column: cost y money Cost
-- column: quantity cell number Quantity
-- column: unpriced cell count Records without a price
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
latest AS (
    SELECT c.usage_start, c.project_id, c.cost, c.currency, c.quantity,
           row_number() OVER (PARTITION BY c.usage_start, c.record_id, c.resource_id, c.sku_name, c.usage_type
                              ORDER BY c.captured_at DESC, c.run_id DESC) AS step
      FROM cost_attribution c
      JOIN upto u ON c.usage_start > u.moment - INTERVAL 30 DAYS
)
SELECT CAST(l.usage_start AS DATE) AS usage_day,
       coalesce(l.project_id, 'none') || CASE WHEN m.currencies > 1 THEN ' in ' || coalesce(l.currency, '?') ELSE '' END AS project_id,
       coalesce(sum(l.cost), 0) AS cost, sum(l.quantity) AS quantity,
       count(*) FILTER (WHERE l.cost IS NULL) AS unpriced
  FROM latest l
 CROSS JOIN (SELECT count(DISTINCT k.currency) AS currencies FROM latest k WHERE k.step = 1) m
 WHERE l.step = 1
 GROUP BY CAST(l.usage_start AS DATE),
          coalesce(l.project_id, 'none') || CASE WHEN m.currencies > 1 THEN ' in ' || coalesce(l.currency, '?') ELSE '' END
 ORDER BY usage_day, project_id
