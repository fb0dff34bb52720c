#!/usr/bin/env bash
# example_cleanup on the mock transport: what executes on a throwaway branch is for a person to decide elsewhere.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=ci-pr-1
runs example_cleanup --index orders_old_idx
holds '.result.dropped == true and .changes[0].effect == "destructive" and .changes[0].executed'

for BRANCH in staging production; do
    runs_with 3 example_cleanup --index orders_old_idx
    holds '.result.dropped == false and .changes[0].executed == false and .changes[0].outcome == "waiting"'
    holds '.status == "pending_approval" and .error == null and .approvals[0].asked == "new"'
done
check "what waits was not begun" bash -c \
    '! cat "$1"/outbox/audit_log/*.ndjson | jq -e "select(.branch_id == \"production\" and .outcome == \"applied\")"' _ "$LBOPS_STATE_DIR"

BRANCH=production runs example_cleanup --index orders_old_idx --plan
holds '.changes[0] | .executed == false and .outcome == "planned"'

BRANCH=ci-pr-1
runs_with 1 example_cleanup --index orders_busy_idx
holds '.error.code == "conflict" and .changes[0].error != null'
runs_with 2 example_cleanup
# What carries approvals out is the host's own and nobody's to ask for.
runs_with 2 lbops_approved --approval '{}' --approval_id A1
holds '.error.message | contains("no tool lbops_approved")'
finish
