#!/usr/bin/env bash
# rehearse_incident on the mock transport: a plan makes nothing, nor is anything planted where no
# branch is one to throw away, and what cannot be rehearsed is said.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs rehearse_incident --plan
holds '.changes == [] and ([.result.skipped[] | .reason] == ["a plan makes no branch, so nothing is planted"])'
runs rehearse_incident
holds '(.result.skipped[0].reason | contains("is no branch to throw away") and contains("perf-*")) and .result.rehearsed == 0'
holds '(.result.skipped[1].reason == "it stays until it expires") and (.approvals // []) == []'
holds '[.changes[].statement | select(startswith("POST") | not)] == []'
sed -i 's|branch = "ci-pr-1"|branch = "perf-*"\npattern = true|' "$MANIFEST"
runs rehearse_incident
holds '.result.resolved == 0 and (.result.incidents | length) == 6'
holds 'all(.result.incidents[]; .verdict == "not rehearsed" and (.why | length > 0))'
holds '[.changes[].statement | startswith("DELETE")] | any'
runs_with 2 rehearse_incident --kind flood
finish
