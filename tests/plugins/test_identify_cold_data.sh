#!/usr/bin/env bash
# identify_cold_data on the mock transport: by moments, by partitions, by counters that stand still.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs identify_cold_data
holds '[.result.findings[] | [.object, .kind]] == [["public.events", "cold_partitions"],
    ["public.imports_2019", "unused_table"], ["public.orders", "cold_rows"]]'
holds '.result.findings[0] | .evidence.partitions == ["public.events_2025_09", "public.events_2025_10"] and
    .impact.bytes == 325000000 and .impact.rows == 1300000 and .confidence.label == "high"'
holds '.result.findings[1] | (.reason | startswith("nobody has read or written it for 104 days"))'
holds '.result.findings[2] | .evidence.time_column == "placed_at" and .impact.rows == 312887 and
    .impact.monthly_cost == null and .fix == null'
holds '.result.cold_candidates == 3 and .changes == []'
holds 'any(.result.skipped[]; .object == "1 table" and (.reason | contains("it holds less than min_rows")))'
recorded lakebase_metrics '.metric_name == "cold_bytes" and .object_name == "public.events" and .metric_value == 325000000'

runs identify_cold_data --cold_threshold_days 120 --price_per_gb_month 2
holds '[.result.findings[] | [.object, .impact.rows]] == [["public.events", 600000], ["public.orders", 289391]]'
holds '.result.findings[0].impact.monthly_cost == 0.3'

runs identify_cold_data --tables '["orders"]' --legal_hold '["public.*"]'
holds '.result.findings == [] and .result.skipped[0].reason == "it is under legal hold"'

runs_with 1 identify_cold_data --tables '["nothing"]'
holds '.error.code == "invalid" and (.error.hint | length > 0)'
runs_with 2 identify_cold_data --min_rows few
finish
