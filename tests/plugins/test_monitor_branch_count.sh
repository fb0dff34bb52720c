#!/usr/bin/env bash
# monitor_branch_count on the mock transport: the count, and branches without a reason.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs monitor_branch_count --project_id bank
holds '.result.projects[0].branch_count == 7 and .result.alert_triggered == false'
holds '[.result.findings[] | [.object, .kind]] == [["bank/feat-old", "never_expires"], ["bank/feat-new", "never_expires"], ["bank/mine", "unknown_branch"]]'
recorded lakebase_metrics '.metric_name == "branch_count" and .metric_value == 7'
runs monitor_branch_count --project_id bank --max_limit 8
holds '.result.alert_triggered and .events[0].payload.level == "warning"'
runs_with 1 monitor_branch_count --project_id nowhere
finish
