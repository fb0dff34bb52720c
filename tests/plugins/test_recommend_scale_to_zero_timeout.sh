#!/usr/bin/env bash
# recommend_scale_to_zero_timeout on the mock transport: money and cold starts for each timeout, and who may set one.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs recommend_scale_to_zero_timeout --most_silence_minutes 30
holds '.result | .readings_every_s == 1200 and .sees_statements and .days_observed > 2.9'
holds '.result.choices | map(select(.timeout == "60 min"))[0] | .is_current and .cost_a_month > 0 and .cold_starts == 6'
holds '[.result.choices[] | select(.finer_than_the_readings) | .timeout] == ["60 s", "2 min", "5 min", "10 min", "15 min"]'
holds '.result | .currency == "USD" and .price_from == "PREMIUM_DATABASE_SERVERLESS_COMPUTE_US_EAST_1"'
holds '.result.choices | map(.cost_a_month) | . == sort'
holds '.result.recommended_timeout == "30 min" and (.result.findings[0].reason | contains("instead of"))'
holds '.result.estimated_savings_a_month > 0 and (.result.note | contains("every 20 min"))'

runs_with 3 recommend_scale_to_zero_timeout --most_silence_minutes 30 --apply
holds '.changes[0] | (.statement | contains("\"suspend_timeout_duration\":\"1800s\"")) and .executed == false'
runs recommend_scale_to_zero_timeout --most_silence_minutes 30 --apply --plan
holds '.changes[0].outcome == "planned"'
runs recommend_scale_to_zero_timeout --most_silence_minutes 30 --price_per_dbu 4
holds '.result.price_from == "the parameter price_per_dbu"'
runs recommend_scale_to_zero_timeout --most_silence_minutes 30 --min_days 5
holds '.result.skipped[0].reason | contains("5 are needed")'
runs recommend_scale_to_zero_timeout --most_silence_minutes 5
holds '.result.skipped[0].reason | contains("observed for 0.0 days")'

BRANCH=production
runs recommend_scale_to_zero_timeout
holds '.result.skipped[0].reason | contains("no readings")'
runs_with 2 recommend_scale_to_zero_timeout --days 30
finish
