#!/usr/bin/env bash
# archive_cold_data_to_delta on the mock transport: what it would do. That it does it is seen on real servers.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs archive_cold_data_to_delta
holds '.changes == [] and .result.skipped[0].object == "tables"'

runs archive_cold_data_to_delta --plan --tables '["orders"]' --min_rows 10000
holds '.result.archivals[0] | .status == "planned" and .batches == 3 and
    .delta_table == "ops_catalog.lakebase_archive.shop_staging_public_orders"'
holds '[.changes[] | .executed] | any | not'
holds '[.changes[] | select(.statement | test("lakebase_archive"))] | length >= 3'
holds 'any(.changes[]; .statement | contains("lbops_archive.batches"))'

runs archive_cold_data_to_delta --plan --tables '["orders"]' --min_rows 100000
holds '.result.archivals[0].status == "no_cold_data" and .changes == []'

runs archive_cold_data_to_delta --tables '["orders"]' --legal_hold '["orders"]'
holds '.result.skipped[0].reason == "it is under legal hold" and .changes == []'

runs_with 1 archive_cold_data_to_delta --tables '["orders"]' --time_columns '["orders=status"]'
holds '.error.code == "invalid" and (.error.message | contains("status"))'
runs_with 2 archive_cold_data_to_delta --batch_rows 0
finish
