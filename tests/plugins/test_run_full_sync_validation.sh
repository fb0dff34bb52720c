#!/usr/bin/env bash
# The sync tools on the mock transport, which answers for the lakehouse as well: what is there, what is late, what differs.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

pair=(--source_table orders --target_delta_table main.public.orders)

runs run_full_sync_validation
holds '.result | .total_pairs == 0 and (.skipped | length == 1)'

runs run_full_sync_validation "${pair[@]}"
holds '.result.completeness[0] | .status == "healthy" and .source_count == 6 and .target_count == 6 and .lag_seconds == 1800'
holds '.result.integrity[0] | .status == "mismatch" and (.checksum_match | not) and .key_columns == ["id"]'
holds '.result.integrity[0].detail | .extra_keys == [] and .in_flight == 1 and .different_keys == ["7"] and .different_columns == ["t"]'
holds '.result.findings | length == 1 and .[0].kind == "sync_checksum"'
recorded sync_validation_history '.check_type == "integrity" and .status == "mismatch" and .checksum_match == false'

holds '.result.pipelines[0] | .state == "STREAMING" and .status == "healthy" and .detail.since_last_sync_seconds == 120'
recorded sync_validation_history '.check_type == "pipeline" and .pipeline_state == "STREAMING"'
BRANCH=production runs track_sync_freshness "${pair[@]}"
holds '.result.findings[0] | .kind == "sync_pipeline" and (.reason | contains("the schema main.public was dropped"))'

runs validate_sync_completeness "${pair[@]}" --sync_type continuous
holds '.result | .healthy == 1 and .issues == 0'
runs validate_sync_integrity "${pair[@]}"
holds '.result | .issues == 1'
runs track_sync_freshness "${pair[@]}"
holds '.result.freshness[0] | .status == "healthy" and .limit_seconds == 86400'

runs_with 1 validate_sync_integrity --source_table orders --target_delta_table orders
finish
