#!/usr/bin/env bash
# run_full_index_analysis on the mock transport: what one rule lets go, no other speaks of.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs run_full_index_analysis
holds '[.result.findings[] | [.object, .kind]] | index([["public.orders_placed", "redundant_index"]]) != null and (group_by(.) | all(length == 1))'
holds '.result | .total_issues == (.findings | length) and .duplicates == 1 and .unused == 1 and .invalid == 1 and .missing == 1 and .missing_fk == 1 and .bloated == 3 and .rare == 1'
holds '.events[0].type == "index.recommended" and .events[0].payload.total_issues == .result.total_issues'
holds '.changes == [] and .result.examined.indexes == 7'

runs run_full_index_analysis --max_indexes 1
holds '.result.many == 0 and any(.result.skipped[]; .reason | contains("its indexes are many, but what is written to it is not known"))'

runs run_full_index_analysis --plan
holds '.events == []'
runs_with 2 run_full_index_analysis --threshold 0
runs_with 2 run_full_index_analysis --max_indexes 0
finish
