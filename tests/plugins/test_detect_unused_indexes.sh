#!/usr/bin/env bash
# detect_unused_indexes on the mock transport: 43 days are counted on a server of its own.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs detect_unused_indexes
holds '[.result.findings[] | [.object, .kind]] == [["public.orders_placed", "unused_index"],
    ["public.orders_placed_status", "unused_index"], ["public.orders_status", "unused_index"],
    ["public.orders_status_ccnew", "invalid_index"]]'
holds '.result.findings[0] | .confidence.label == "high" and .confidence.value == ([.confidence.terms[].points] | add | . * 1000 | round / 1000)'
holds '.result.findings[0] | .fix == "DROP INDEX CONCURRENTLY public.orders_placed" and (.evidence.undo | startswith("CREATE INDEX"))'
holds '.result.findings[3] | .fix == "DROP INDEX CONCURRENTLY public.orders_status_ccnew" and .evidence.severity == "critical"'
holds '.result.examined.indexes == 7 and any(.result.skipped[]; .reason | contains("keep a rule"))'
holds '.changes == [] and .records == 0'

runs detect_unused_indexes --days 44
holds '[.result.findings[].kind] == ["invalid_index"] and any(.result.skipped[]; .reason | contains("43.0 days are counted, and 44.0 are needed"))'

runs detect_unused_indexes --min_reads 1000000 --invalid false
holds '.result.findings == [] and any(.result.skipped[]; .reason | contains("too little to tell"))'

# A read replica counts on its own server.
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
jq '[{"method": "GET", "path": "projects/shop/branches/staging/endpoints", "reply": {"endpoints": [
        {"endpoint_id": "primary", "status": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE"}},
        {"endpoint_id": "reader", "status": {"endpoint_type": "ENDPOINT_TYPE_READ_ONLY"}}]}}] + .' \
    "$SOURCE/etc/fixtures/mock/control.json" >"$WORK/fixtures/control.json"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
runs detect_unused_indexes
holds '.result.findings[0] | .confidence.label == "medium" and .evidence.unread_computes == 1'
holds '.result.findings[0].reason | contains("1 other compute(s) use cannot be read here")'

runs_with 2 detect_unused_indexes --days -1
runs_with 2 detect_unused_indexes --min_bytes few
finish
