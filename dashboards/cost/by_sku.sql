-- query: cost.by_sku
-- title: What it is paid for
-- chart: table
-- window: 30 days
-- empty: No bill was read yet.
-- column: project_id cell name Project
-- column: sku_name cell text SKU
-- column: usage_type cell text Usage
-- column: quantity cell number Quantity
-- column: usage_unit cell text Unit
-- column: cost cell money Cost
-- column: currency cell text Currency
-- column: awake_seconds cell s Awake for this platform only
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
latest AS (
    SELECT c.project_id, c.sku_name, c.usage_type, c.quantity, c.usage_unit, c.cost, c.currency, c.awake_seconds,
           row_number() OVER (PARTITION BY c.usage_start, c.record_id, c.resource_id, c.sku_name, c.usage_type
                              ORDER BY c.captured_at DESC, c.run_id DESC) AS step
      FROM cost_attribution c
      JOIN upto u ON c.usage_start > u.moment - INTERVAL 30 DAYS
)
SELECT coalesce(l.project_id, 'none') AS project_id, l.sku_name, l.usage_type, sum(l.quantity) AS quantity, l.usage_unit,
       sum(l.cost) AS cost, l.currency, sum(l.awake_seconds) AS awake_seconds
  FROM latest l
 WHERE l.step = 1
 GROUP BY coalesce(l.project_id, 'none'), l.sku_name, l.usage_type, l.usage_unit, l.currency
 ORDER BY cost DESC NULLS LAST, project_id, l.sku_name, l.usage_type
 LIMIT 50
