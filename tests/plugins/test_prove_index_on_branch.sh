#!/usr/bin/env bash
# prove_index_on_branch on the mock transport: built and asked about where that does no harm, refused elsewhere.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

one='[{"schema": "public", "table": "customers", "columns": [{"name": "name", "descending": false}], "equal": 1}]'
runs_with 1 prove_index_on_branch --candidates "$one"
holds '.error.code == "denied" and (.error.hint | contains("perf-*")) and .changes == []'
export BRANCH=ci-pr-1
runs prove_index_on_branch --candidates "$one"
holds '.result.proofs | length == 1 and .[0].cost_before == 927 and .[0].cost_after == 8.06 and .[0].bytes == 1589248'
holds '[.changes[] | select(.executed) | .statement] == ["CREATE INDEX customers_name_idx ON public.customers (name)", "DROP INDEX public.customers_name_idx"]'
holds '[.changes[] | select(.executed | not) | [.outcome, .error]] | length == 6 and all(.[]; . == ["undone", null])'
holds '.result.proofs[0] | .row_wal_before == 160 and .row_wal_after == 240 and .why_no_write == null and .load == null'
runs_with 1 prove_index_on_branch --candidates '[{"table": "customers"}]'
holds '.error.code == "invalid"'
runs_with 1 prove_index_on_branch --candidates '{}'
finish
