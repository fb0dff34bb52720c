#!/usr/bin/env bash
# analyze_slow_queries_with_ai on the mock transport: one statement got slower, one has no table any more.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs analyze_slow_queries_with_ai --plan
runs analyze_slow_queries_with_ai
holds '([.result.findings[].kind] | sort) ==
    ["function_on_column", "reads_past_the_cache", "selective_full_scan"]'
holds '.result.examined == {"statements": 2} and any(.result.skipped[]; .reason | contains("relation \"gone\" does not exist"))'
holds '.result.analyses[0] | .reason == "regressed" and .baseline_exec_time_ms == 1625 and .recent_exec_time_ms == 6500 and .selected_by == "history" and .queued_for_review'
holds '.result.analyses[1] | .queued_for_review == false and .has_plan == false and .selected_by == "lifetime"'
recorded query_review_queue '.suggestion_source == "rule selective_full_scan" and .status == "open" and .mean_exec_time == 6500'

runs analyze_slow_queries_with_ai --review false
holds 'all(.result.analyses[]; .queued_for_review | not)'
holds 'all(.result.findings[]; all(.confidence.terms[]; .name != "statements_were_evicted"))'
BRANCH=production runs analyze_slow_queries_with_ai --review false
holds '.result.findings | length == 3 and all(.[]; .evidence.evictions == 7 and (.reason | contains("dropped statements 7 times"))
    and any(.confidence.terms[]; .name == "statements_were_evicted" and .points == -0.2))'
runs_with 1 analyze_slow_queries_with_ai --query_id 42
runs_with 2 analyze_slow_queries_with_ai --max_queries 0
finish
