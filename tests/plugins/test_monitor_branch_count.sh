#!/usr/bin/env bash
# monitor_branch_count on the mock transport: the count, and branches without a reason.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs monitor_branch_count --project_id bank
holds '.result.projects[0].branch_count == 7 and .result.alert_triggered == false'
holds '[.result.findings[] | [.object, .kind]] == [["bank/ci-pr-9", "over_its_time"], ["bank/feat-old", "never_expires"], ["bank/feat-new", "never_expires"], ["bank/mine", "unknown_branch"]]'
recorded lakebase_metrics '.metric_name == "branch_count" and .metric_value == 7'
runs monitor_branch_count --project_id bank --max_limit 8
holds '.result.alert_triggered and .events[0].payload.level == "warning"'
runs monitor_branch_count --project_id vault
holds '.result.projects[0] | .branch_count == 4 and .total == 5'
holds '[.result.findings[] | [.object, .kind, .evidence.rule]] == [["vault/dev-long", "lives_too_long", "BR-030"], ["vault/ci-pr-8", "expired_and_counted", "BR-040"], ["vault/ci-pr-9", "over_its_time", "BR-055"]]'
holds '.result.findings[0] | (.reason | contains("BR-030: a dev branch may live 30d")) and (.evidence.expires_at | startswith("2026-03-05"))'
holds '.result.findings[2].reason | contains("archived, it does not count")'
runs_with 1 monitor_branch_count --project_id nowhere
finish
