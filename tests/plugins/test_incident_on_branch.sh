#!/usr/bin/env bash
# incident_on_branch on the mock transport: on a branch that no rehearsal has made it does nothing.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs_with 1 incident_on_branch --kind dead_rows
holds '.error.code == "denied" and (.error.hint | contains("perf-*")) and .changes == []'
export BRANCH=ci-pr-1
runs incident_on_branch --kind dead_rows
holds '.result | .verdict == "not rehearsed" and .why == "no rehearsal has made this branch"'
holds '.changes == []'
runs_with 2 incident_on_branch --kind flood
finish
