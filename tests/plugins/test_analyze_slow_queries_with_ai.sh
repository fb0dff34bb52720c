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
holds 'all(.result.analyses[]; .selected_because | startswith("it took "))'
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
runs_with 2 analyze_slow_queries_with_ai --regressed_times 0.5

# Two that are quick and take longer than they did come besides, behind the slow ones; what is below a limit does not.
cp -R "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
jq '.[0].rows += [["11", "1000", "6500", "100", "5200", "400000"], ["12", "1000", "10000", "200", "6000", "400000"],
    ["13", "1000", "30000", "100", "5900", "400000"], ["14", "1000", "1000", "60", "3000", "400000"]]' \
    "$SOURCE/etc/fixtures/mock/history/query/compared.json" >"$WORK/fixtures/history/query/compared.json"
jq 'def quick: [., "SELECT name FROM customers WHERE id = $1", "16384", "shop", "10", "5000", "25000", "5000", "10000", "0", "0", "0"];
    .[2].rows = [("11", "12" | quick), .[2].rows[], ("13", "14" | quick)]' \
    "$SOURCE/etc/fixtures/mock/sql/query/statements.json" >"$WORK/fixtures/sql/query/statements.json"
chosen='[.result.analyses[] | select(.selected_by == "regression") | .query_id]'
runs analyze_slow_queries_with_ai --review false --max_queries 2
holds "$chosen"' == ["11", "12"] and [.result.analyses[2:][].query_id] == ["11", "12"] and .result.examined == {"statements": 4}'
holds '.result.analyses[2].selected_because ==
    "it took 52 ms a call of late, 8 times as much as in the two weeks before, in 100 calls and 1.3 % of the time of all statements"'
runs analyze_slow_queries_with_ai --review false --max_regressed 1
holds "$chosen"' == ["11"] and any(.result.skipped[]; .reason == "max_regressed is 1: 1 more is left out")'
runs analyze_slow_queries_with_ai --review false --max_regressed 0
holds "$chosen"' == []'
finish
