#!/usr/bin/env bash
# detect_bloated_indexes on the mock transport: four of five rows are gone, and their room is still there.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs detect_bloated_indexes
holds '[.result.findings[].object] | contains(["public.orders_id_placed", "public.orders_pkey"])'
holds '.result.findings[0] | .evidence.ratio >= 2 and .evidence.bytes == 46694400 and .fix == "REINDEX INDEX CONCURRENTLY public.orders_id_placed"'
holds '.result.findings[0] | .impact.bytes == .evidence.bytes - .evidence.expected_bytes'

runs detect_bloated_indexes --threshold 50
holds '.result.findings == [] and .result.examined.indexes == 7'
runs_with 2 detect_bloated_indexes --threshold 0.9
finish
