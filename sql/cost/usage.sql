-- summary: metered usage of Lakebase by day and resource, with the price that held then
-- kind: lake
-- note: structs come as JSON, since their members differ from workspace to workspace; retractions and restatements are
-- note: part of the sums. The order is total, so that sums made from the rows come out equal each time.
-- param catalog identifier
-- param schema identifier
-- param usage identifier
-- param prices identifier
-- param currency text
-- param since timestamp
-- column day timestamp
-- column workspace_id text null
-- column product text null
-- column sku_name text null
-- column usage_type text null
-- column usage_unit text null
-- column metadata text null
-- column features text null
-- column pricing text null
-- column quantity number
-- column records integer
SELECT date_trunc('day', u.usage_start_time) AS day,
       u.workspace_id,
       u.billing_origin_product AS product,
       u.sku_name,
       u.usage_type,
       u.usage_unit,
       to_json(u.usage_metadata) AS metadata,
       to_json(u.product_features) AS features,
       to_json(p.pricing) AS pricing,
       CAST(sum(u.usage_quantity) AS DOUBLE) AS quantity,
       count(*) AS records
  FROM :catalog.:schema.:usage u
  LEFT JOIN :catalog.:schema.:prices p
    ON p.sku_name = u.sku_name
   AND p.cloud = u.cloud
   AND p.currency_code = :currency
   AND u.usage_end_time >= p.price_start_time
   AND (p.price_end_time IS NULL OR u.usage_end_time < p.price_end_time)
 WHERE u.billing_origin_product IN ('LAKEBASE', 'DATABASE')
   AND u.usage_date >= CAST(:since AS DATE)
 GROUP BY date_trunc('day', u.usage_start_time), u.workspace_id, u.billing_origin_product, u.sku_name, u.usage_type,
          u.usage_unit, to_json(u.usage_metadata), to_json(u.product_features), to_json(p.pricing)
 ORDER BY day, u.workspace_id, product, u.sku_name, u.usage_type, u.usage_unit, metadata, features, pricing
