-- summary: what a branch or a whole project cost by day and kind of usage, as the bill was last read
-- kind: history
-- note: where a record has been read more than once, as the bill is restated, the latest reading counts.
-- param project text
-- param branch text
-- param whole_project boolean
-- param since timestamp
-- param until timestamp
-- column day timestamp
-- column kind text
-- column unit text
-- column currency text
-- column quantity number
-- column cost number
-- column unpriced integer
-- column score number null
-- column read_at timestamp
SELECT date_trunc('day', l.usage_start) AS day,
       coalesce(l.usage_type, l.sku_name, 'usage') AS kind,
       coalesce(l.usage_unit, 'units') AS unit,
       coalesce(l.currency, 'USD') AS currency,
       CAST(sum(l.quantity) AS DOUBLE) AS quantity,
       CAST(coalesce(sum(l.cost), 0) AS DOUBLE) AS cost,
       sum(CASE WHEN l.cost IS NULL THEN 1 ELSE 0 END) AS unpriced,
       max(l.anomaly_score) AS score,
       max(l.captured_at) AS read_at
  FROM (SELECT c.*,
               row_number() OVER (PARTITION BY c.usage_start, c.record_id, c.resource_id, c.sku_name, c.usage_type
                                      ORDER BY c.captured_at DESC, c.run_id DESC) AS place
          FROM cost_attribution c
         WHERE c.project_id = :project
           AND (:whole_project OR c.branch_id = :branch)
           AND c.usage_start >= :since
           AND c.usage_start < :until) l
 WHERE l.place = 1
 GROUP BY date_trunc('day', l.usage_start),
          coalesce(l.usage_type, l.sku_name, 'usage'),
          coalesce(l.usage_unit, 'units'),
          coalesce(l.currency, 'USD')
 ORDER BY day, kind, unit, currency
