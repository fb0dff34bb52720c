#!/usr/bin/env bash
# forecast_capacity_needs on the mock transport: what grows, how good the forecast was, and what is too young for one.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs forecast_capacity_needs
holds '[.result.forecasts[] | .metric] == ["storage", "busy_sessions", "connections", "transaction_ids"]'
holds '[.result.forecasts[] | .days_known == 52 and .days_filled_in == 1 and .days_ahead == 19] | all'
holds '[.result.forecasts[] | .mean_error <= .seasonal_naive_error and .lower_90 <= .lower_50 and .lower_50 <= .forecast
        and .forecast <= .upper_50 and .upper_50 <= .upper_90] | all'
holds '.result.forecasts[0] | .current > 4e11 and .growth_per_day > 3.9e9 and .growth_per_day < 4.1e9 and .error_ratio < 0.5'
holds '.result.forecasts[1] | .current > 1.5 and .current < 3 and .limit == 8 and (.limit_from | contains("8 CU"))'
holds '.result.forecasts[2] | .limit == 100 and .days_until_limit <= 30 and (.recommendation | contains("pooler"))'
holds '.result.forecasts[2] | .earlier_forecasts == 3 and .earlier_forecasts_held == 2 and .earlier_mean_error > 10'
holds '.result.forecasts[0] | .earlier_forecasts == 0 and .earlier_mean_error == null'
holds '[.result.findings[] | [.object, .kind]] == [["production", "connections_limit_ahead"]]'
holds '[.result.skipped[] | .reason] | any(contains("cannot test a forecast that far"))'
recorded capacity_forecasts '.metric_name == "connections" and .horizon_days == 7 and .interval_level == 0.9
                             and .lower_bound < .upper_bound and (.detail | fromjson).lower_50 > .lower_bound'
recorded capacity_forecasts '.metric_name == "transaction_ids" and .horizon_days == 19 and .limit_value > 5e9'

runs forecast_capacity_needs --storage_limit_bytes 420000000000 --busy_sessions_limit 1 --days_ahead 7
holds '[.result.findings[] | .kind] == ["storage_limit_ahead", "busy_sessions_limit_ahead", "connections_limit_ahead"]'
holds '.result.findings[0] | .evidence.days_until_limit < 10 and .confidence.value >= 0.7'

holds '.result.forecasts[1] | .limit == 1 and .limit_from == null'

runs forecast_capacity_needs --busy_sessions_per_cu 0.125
holds '.result.findings[] | select(.kind == "busy_sessions_limit_ahead") | .reason
       | test("^busy_sessions is past its limit: [0-9.]+ of 1 sessions, which is the compute'"'"'s largest size, 8 CU, at 0.125 sessions each: ")'

runs forecast_capacity_needs --busy_sessions_per_cu 0
holds '.result.forecasts[1].limit == null and (.result.skipped | any(.object == "limit of busy_sessions"))'

BRANCH=staging
runs forecast_capacity_needs
holds '.result.forecasts == null and ([.result.skipped[] | .object] | length) == 4'
holds '.result.skipped[] | select(.object == "connections") | .reason | startswith("10 days are known")'
holds '.result.skipped[] | select(.object == "storage") | .reason == "history has no readings of database_size_bytes"'
runs_with 2 forecast_capacity_needs --history_days 7
runs_with 2 forecast_capacity_needs --days_ahead 0
finish
