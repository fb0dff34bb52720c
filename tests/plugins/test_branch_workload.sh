#!/usr/bin/env bash
# branch_workload on the mock transport: the statements, and how much of all they are.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs branch_workload
holds '.result.calls == 1000 and .result.ms == 91 and (.result.since | startswith("2026-01-31T12:00:00"))'
holds '.result.statements == [{"query": "SELECT total FROM app.orders WHERE id = $1", "calls": 900, "ms": 45.5}]'
holds '.result.skipped[0].reason == "1 of 2 are listed"'
runs_with 2 branch_workload --most 0
finish
