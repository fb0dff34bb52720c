#!/usr/bin/env bash
# evaluate_alert_thresholds on the mock transport: a breach is told once, and is over at the clear level.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs evaluate_alert_thresholds
holds '.result.examined.metrics == 8 and .events == [] and .result.alerts_triggered == 0'

runs evaluate_alert_thresholds --metrics '{"txid_age": 600000000}'
holds '[.events[] | [.type, .payload.level, .payload.threshold]] == [["threshold.breached", "warning", 500000000]]'
holds '.result.alerts[0] | .state == "opened" and .clear_level == 450000000 and .sop == "vacuum_freeze"'
runs evaluate_alert_thresholds --metrics '{"txid_age": 600000000}'
holds '.events == [] and .result.alerts[0].state == "open"'
runs evaluate_alert_thresholds
holds '[.events[].type] == ["threshold.cleared"] and .result.resolved == 1'

runs evaluate_alert_thresholds --metrics '{"txid_age": 600000000}' --run_sops
holds '.result.sops_auto_executed == 1 and .result.sops[0].result.action == "vacuum_freeze"'

runs_with 1 evaluate_alert_thresholds --metrics '{"rain": 1}'
finish
