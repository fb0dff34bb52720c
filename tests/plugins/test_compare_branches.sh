#!/usr/bin/env bash
# compare_branches on the mock transport: what differs most comes first.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs compare_branches --other_branch production
holds '[.result.metrics[].metric] == ["dead_ratio", "blocks_read", "connections_active"] and .result.metrics[2].factor == 1.25'
holds '.result.metrics[1] | .per == "hour" and .here == 500 and .there == 1450 and .factor == 2.9 and .readings_here == 36'
holds 'any(.result.skipped[]; .object == "temp_files" and (.reason | contains("no rate of it is known on production")))'
holds '.result.observed_hours_here == 24 and .result.observed_hours_there == 1'
holds '.result.statements == [{"database": "shop", "query_id": "4711", "query": "SELECT * FROM orders WHERE customer_id = $1", "calls_here": 1200,
    "calls_there": 40, "calls_per_hour_here": 50, "calls_per_hour_there": 40, "ms_per_hour_here": 1250, "ms_per_hour_there": 20,
    "mean_ms_here": 25, "mean_ms_there": 0.5, "factor": 50, "blocks_here": 1500, "blocks_there": 4}]'
runs compare_branches --other_branch production --metric dead_ratio --min_factor 4
holds '(.result | has("metrics") or has("statements") | not) and .result.statements_compared == 0'
runs compare_branches --other_branch staging
holds '.result.skipped == [{"object": "staging", "reason": "it is the branch itself: there is nothing to compare it with"}]'
runs_with 2 compare_branches

# Nothing to compare: what never was is told from what was not read lately.
cp -R "$SOURCE/etc/fixtures/mock" "$WORK/empty"
for name in branch_counters branch_metrics branch_statements; do
    jq '.[0].rows = []' "$SOURCE/etc/fixtures/mock/history/query/$name.json" >"$WORK/empty/history/query/$name.json"
done
sed -i "s|$SOURCE/etc/fixtures/mock|$WORK/empty|" "$MANIFEST"
runs compare_branches --other_branch production --metric dead_ratio
holds '.result.skipped[0].reason | startswith("history has nothing of the last 24 hours")'
runs_with 1 compare_branches --other_branch production --metric dead_ration
holds '.error.code == "not_found" and (.error.hint | endswith("blocks_read, connections_active, dead_ratio"))'
runs_with 1 compare_branches --other_branch prodution
holds '.error.code == "not_found" and (.error.message | contains("has no branch prodution")) and (.error.hint | endswith("production, staging"))'
finish
