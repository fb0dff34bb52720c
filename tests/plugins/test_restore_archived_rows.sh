#!/usr/bin/env bash
# restore_archived_rows on the mock transport: what it refuses. That rows come back is seen on real servers.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs restore_archived_rows --table orders --since 2024-01-01
holds '.changes == [] and (.result.skipped[0].reason | contains("nothing of this database"))'
runs_with 1 restore_archived_rows --table orders
holds '.error.code == "invalid" and (.error.message | contains("which rows of orders"))'
runs_with 2 restore_archived_rows --batches '["1"]'

BRANCH=ci-pr-1
runs_with 1 restore_archived_rows --table order --batches '["1"]'
holds '.error.code == "not_found" and .error.message == "there is no table order"'
runs_with 1 restore_archived_rows --table orders --batches '["66e8fa1c2b000-27967.4"]'
holds '.error.code == "not_found" and (.error.message | contains("is no batch, nor an archival, of public.orders"))'
runs_with 1 restore_archived_rows --table orders --batches '["66e8fa1c2b000-27967.2"]'
holds '.error.code == "conflict" and (.error.message | contains("its batch 66e8fa1c2b000-27967.2 was given up"))'
runs restore_archived_rows --table orders --batches '["66e8fa1c2b000-27967.3"]'
holds '.changes == [] and .result.skipped[0] == {"object": "66e8fa1c2b000-27967.3",
    "reason": "its rows have been brought back already"}'
runs_with 1 restore_archived_rows --table orders --batches '["66e8fa1c2b000-27967"]' --max_rows 1
holds '.error.code == "limit" and (.error.message | contains("1 batches with 2 rows of public.orders would come back"))'
runs_with 1 restore_archived_rows --table orders --batches '["66e8fa1c2b000-27967.1"]'
holds '.error.code == "conflict" and .changes == [] and
    .error.message == "public.orders has got the column placed_at since: its archive has none"'
finish
