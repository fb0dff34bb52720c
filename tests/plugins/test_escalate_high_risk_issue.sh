#!/usr/bin/env bash
# escalate_high_risk_issue on the mock transport: production has a slot that nobody reads, and more.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production runs escalate_high_risk_issue --plan
holds '.events == [] and (.result.told >= 3)'
BRANCH=production runs escalate_high_risk_issue --done "looked at it"
holds '.result.issues[] | select(.issue == "stuck_slot") | .severity == "critical" and .state == "fired"'
holds '[.events[] | select(.type == "issue.escalated") | .payload.object] | contains(["forgotten"])'
recorded alert_history '.rule == "stuck_slot" and .state == "fired" and .object_name == "forgotten" and .sop_action == "looked at it"'

runs escalate_high_risk_issue --issue lock_chain
holds '.events == [] and (.result.skipped[-1].reason | startswith("the diagnosis does not show it"))'
runs_with 2 escalate_high_risk_issue --most 0
runs_with 1 escalate_high_risk_issue --diagnosis '{"rain": 1}'
runs_with 2 escalate_high_risk_issue --issue lock_chian
holds '.error.hint | startswith("did you mean lock_chain?")'
runs escalate_high_risk_issue --issue connection_utilization
finish
