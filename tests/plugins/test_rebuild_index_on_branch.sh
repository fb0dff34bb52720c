#!/usr/bin/env bash
# rebuild_index_on_branch on the mock transport: built anew where that does no harm, refused elsewhere.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

one='[{"schema": "public", "name": "orders_pkey"}, {"schema": "public", "name": "gone"}]'
runs_with 1 rebuild_index_on_branch --indexes "$one"
holds '.error.code == "denied" and (.error.hint | contains("perf-*")) and .changes == []'
export BRANCH=ci-pr-1
runs rebuild_index_on_branch --indexes "$one"
holds '.result.sizes[0] | .name == "orders_pkey" and .bytes_before == 1589248 and .bytes_after == 1589248'
holds '.result.sizes[1].error == "there is no index public.gone on the branch"'
holds '[.changes[].statement] == ["REINDEX INDEX public.orders_pkey"] and all(.changes[]; .executed)'
runs_with 1 rebuild_index_on_branch --indexes '[{"name": "orders_pkey"}]'
holds '.error.code == "invalid"'
runs_with 1 rebuild_index_on_branch --indexes '{}'
runs_with 2 rebuild_index_on_branch
finish
