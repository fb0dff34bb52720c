-- summary: what a unit of compute of a project cost last, as the billing tables had it
-- kind: history
-- param project text
-- column sku_name text null
-- column list_price number null
-- column currency text null
-- column usage_start timestamp
SELECT c.sku_name, c.list_price, c.currency, c.usage_start
  FROM cost_attribution c
 WHERE c.project_id = :project
   AND c.usage_unit = 'DBU'
   AND c.list_price IS NOT NULL
 ORDER BY c.usage_start DESC, c.captured_at DESC
 LIMIT 1
