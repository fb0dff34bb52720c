#!/usr/bin/env bash
# detect_unused_indexes on the mock transport: 43 days are counted by the server, 39 more by the history.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs detect_unused_indexes
holds '[.result.findings[] | [.object, .kind]] == [["public.orders_id_placed", "rare_index"], ["public.orders_placed", "unused_index"],
    ["public.orders_placed_status", "unused_index"], ["public.orders_status", "unused_index"],
    ["public.orders_status_ccnew", "invalid_index"]]'
holds '.result.findings[0] | .fix == null and .confidence.label == "low" and .evidence.scans == 12 and .evidence.days == 43'
holds '.result.findings[0].reason | contains("rarely used is not unused")'
holds '.result.findings[1] | .confidence.label == "high" and .confidence.value == ([.confidence.terms[].points] | add | . * 1000 | round / 1000)'
holds '.result.findings[1] | .fix == "DROP INDEX CONCURRENTLY public.orders_placed" and (.evidence.undo | startswith("CREATE INDEX"))'
holds '.result.findings[4] | .fix == "DROP INDEX CONCURRENTLY public.orders_status_ccnew" and .evidence.severity == "critical"'
holds '.result.examined.indexes == 7 and any(.result.skipped[]; .reason | contains("keep a rule"))'
holds '.changes == []'
recorded lakebase_metrics '.metric_name == "index_observation"'
recorded lakebase_metrics '.metric_name == "index_scans" and .object_name == "public.orders_placed_status" and .metric_value == 0'
check "of what is known nothing is noted again" bash -c \
    '! cat "$1"/outbox/lakebase_metrics/*.ndjson | jq -e "select(.object_name == \"public.orders_status\")"' _ "$LBOPS_STATE_DIR"

holds '[.result.findings[1, 2, 3].evidence | [.days, .days_from_history]] == [[82, 39], [43, 0], [61, 18]]'

# One that no earlier run has seen may be of yesterday, whatever the server has counted.
holds '.result.findings[2] | .confidence.label == "low" and (.confidence.terms | any(. == {"name": "it_may_be_new", "points": -0.6}))
    and (.reason | contains("it may be new: no earlier run has seen it"))'
holds '.result.findings[1, 3] | .reason | contains("may be new") | not'

holds '[.result.findings[1, 3].evidence | [.month_ends, .quarter_ends, .last_used != null]] == [[3, 1, false], [2, 1, true]]'
recorded lakebase_metrics '.metric_name == "index_floor" and .metric_value == 1048576'

runs detect_unused_indexes --rare_scans 0.25
holds 'all(.result.findings[]; .kind != "rare_index")'
runs detect_unused_indexes --days 62 --invalid false
holds '[.result.findings[].object] == ["public.orders_placed"] and any(.result.skipped[]; .reason | contains("too few days"))'
runs detect_unused_indexes --days 82.5 --invalid false
holds '.result.findings == []'

runs detect_unused_indexes --min_reads 1000000 --invalid false
holds '[.result.findings[].kind] == ["rare_index"] and any(.result.skipped[]; .reason | contains("too little to tell"))'

# A table that is read and hardly written was not busy: its indexes are told, and are less sure.
runs detect_unused_indexes --invalid false
holds '.result.findings[1] | any(.confidence.terms[]; . == {"name": "table_was_busy", "points": 0.1}) and .evidence.rows_written == 3617800'
runs detect_unused_indexes --min_written 3617801 --invalid false
holds '.result.findings[1] | any(.confidence.terms[]; . == {"name": "table_was_busy", "points": -0.2}) and .confidence.label == "medium"'
holds '.result.findings[1].reason | contains("but hardly anything was written to it (3617800 rows)")'

# A read replica counts on its own server.
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
jq '[{"method": "GET", "path": "projects/shop/branches/staging/endpoints", "reply": {"endpoints": [
        {"endpoint_id": "primary", "status": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE"}},
        {"endpoint_id": "reader", "status": {"endpoint_type": "ENDPOINT_TYPE_READ_ONLY"}}]}}] + .' \
    "$SOURCE/etc/fixtures/mock/control.json" >"$WORK/fixtures/control.json"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
runs detect_unused_indexes
holds '.result.findings[1] | .confidence.label == "low" and .evidence.computes_not_read == ["reader"]'
holds '.result.findings[1].reason | contains("1 other compute uses cannot be read here")'

runs_with 2 detect_unused_indexes --days -1
runs_with 2 detect_unused_indexes --min_bytes few
finish
