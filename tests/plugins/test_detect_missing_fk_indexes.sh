#!/usr/bin/env bash
# detect_missing_fk_indexes on the mock transport.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs detect_missing_fk_indexes
holds '[.result.findings[] | [.object, .evidence.constraint, .fix]] == [["public.orders", "orders_customer_id_fkey",
    "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id)"]]'
holds '.result.findings[0].evidence | .cascades and .deleted_in_referenced == 40 and .rows == 382200'
holds '.result.examined.foreign_keys == 1'

runs detect_missing_fk_indexes --min_rows 1000000 --min_bytes 1000000000
holds '.result.findings == [] and .result.skipped[0].object == "1 foreign key"'
runs_with 2 detect_missing_fk_indexes --min_rows -1
finish
