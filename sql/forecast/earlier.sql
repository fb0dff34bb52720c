-- summary: forecasts of a branch whose day has come since
-- kind: history
-- param project text
-- param branch text
-- param since timestamp
-- param today timestamp
-- column metric_name text
-- column forecast_for timestamp
-- column forecast_value number
-- column lower_bound number
-- column upper_bound number
SELECT f.metric_name, f.forecast_for, f.forecast_value, f.lower_bound, f.upper_bound
  FROM capacity_forecasts f
 WHERE f.project_id = :project
   AND f.branch_id = :branch
   AND f.forecast_for >= :since
   AND f.forecast_for < :today
   AND f.created_at < f.forecast_for
   AND f.lower_bound IS NOT NULL
   AND f.upper_bound IS NOT NULL
 ORDER BY f.metric_name, f.forecast_for, f.created_at
