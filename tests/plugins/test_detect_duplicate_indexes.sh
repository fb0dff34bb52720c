#!/usr/bin/env bash
# detect_duplicate_indexes on the mock transport: one index is the beginning of another, one that is invalid counts for nothing.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs detect_duplicate_indexes
holds '[.result.findings[] | [.object, .kind, .evidence.kept]] == [["public.orders_placed", "redundant_index", "orders_placed_status"]]'
holds '.result.findings[0].fix == "DROP INDEX CONCURRENTLY public.orders_placed" and .result.findings[0].impact.bytes == 15564800'
holds '.result.findings[0] | .impact.index_writes_per_day > 0 and .impact.index_writes_saved == null and .evidence.writes_counted_by == "server" and .evidence.writes_window_days == 43'
holds '.result.examined.indexes == 7'
runs_with 2 detect_duplicate_indexes --days 3
finish
