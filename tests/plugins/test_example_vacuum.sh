#!/usr/bin/env bash
# example_vacuum on the mock transport: a change that executes without asking, and a plan of it that changes nothing.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs example_vacuum --table orders --plan
holds '.mode == "plan" and .events == []'
holds '.changes | length == 1 and (.[0] | .executed == false and .effect == "additive")'
check "a plan is not audited" test ! -d "$LBOPS_STATE_DIR/outbox/audit_log"

runs example_vacuum --table 'Odd "Name"'
holds '.changes[0] | .executed == true and .statement == "VACUUM (ANALYZE) public.\"Odd \"\"Name\"\"\""'
holds '[.events[].type] == ["vacuum.completed"]'
recorded audit_log '.phase == "intent" and .tool == "example_vacuum"'
recorded audit_log '.phase == "outcome" and .outcome == "applied"'

runs_with 2 example_vacuum
runs_with 2 example_vacuum --table ''
finish
