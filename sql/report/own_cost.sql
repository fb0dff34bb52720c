-- summary: what was paid for, and for how much of that time only we kept it awake
-- kind: history
-- note: for the same span and resource the latest row counts.
-- param since timestamp
-- column began_at timestamp
-- column ended_at timestamp null
-- column cost number null
-- column awake_s number null
SELECT c.usage_start AS began_at, c.usage_end AS ended_at, c.cost, c.awake_seconds AS awake_s
  FROM (SELECT k.usage_start,
               k.usage_end,
               k.cost,
               k.awake_seconds,
               row_number() OVER (PARTITION BY k.record_id, k.usage_start, k.resource_id, k.sku_name, k.usage_type
                                  ORDER BY k.captured_at DESC) AS place
          FROM cost_attribution k
         WHERE k.usage_start >= :since) c
 WHERE c.place = 1
