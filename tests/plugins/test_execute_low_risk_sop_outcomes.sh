#!/usr/bin/env bash
# execute_low_risk_sop on the mock transport: what it takes for verified, for a vacuum, and for queued already.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
# A look at the figure after it that fails is tried again; that it fails for good is no success.
own=$WORK/fixtures/sql/health
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
fails_from() {
    jq --argjson times "$1" '.[0] as $seen | ({error: {code: "sql", sqlstate: "57014", message: "too slow"}} + $times) as $fails
        | [$seen, $fails, .[1], .[2], .[3]]' "$SOURCE/etc/fixtures/mock/sql/health/dead_tuples.json" >"$own/dead_tuples.json"
    rm -rf "$LBOPS_STATE_DIR"
}
fails_from '{"times": 2}'
runs execute_low_risk_sop --issue_type dead_tuple_ratio --table orders --look_every_s 0
holds '.result | .status == "executed" and .verified and .value_after == 0 and .not_verified == null'
fails_from '{}'
runs execute_low_risk_sop --issue_type dead_tuple_ratio --table orders --look_every_s 0.01 --verify_s 0.05
holds '.result | .status == "executed" and .verified == null and .value_after == null and .escalated
                 and (.not_verified | test("too slow"))'
holds '[.events[] | select(.type == "issue.escalated") | .payload.object] == ["public.orders"]'

# Less than before is not over: only the clear level is.
jq '.[0] as $seen | [$seen, ($seen | del(.times) | .rows[0][1] = "0.095"), .[2], .[3]]' \
    "$SOURCE/etc/fixtures/mock/sql/health/dead_tuples.json" >"$own/dead_tuples.json"
rm -rf "$LBOPS_STATE_DIR"
runs execute_low_risk_sop --issue_type dead_tuple_ratio --table orders --look_every_s 0
holds '.result | .value_before == 0.4 and .value_after == 0.095 and .verified == false and .escalated'

# What a person has closed stays so, unless it is a good deal slower than it was then.
reviewed() {
    jq --arg status "$1" --arg mean "$2" '.[0].rows = [["one", "6010425441735921000", "shop", $status, $mean]]' \
        "$SOURCE/etc/fixtures/mock/history/health/reviews.json" >"$WORK/fixtures/history/health/reviews.json"
    rm -rf "$LBOPS_STATE_DIR"
    runs execute_low_risk_sop --issue_type slow_query_time
}
reviewed rejected 6000
holds '.result | .status == "nothing_to_do" and (.reason | test("has decided"))'
reviewed open 10
holds '.result | .status == "nothing_to_do"'
reviewed "done" 3000
holds '.result | .status == "recorded" and .count == 1'
recorded query_review_queue '.status == "open" and .review_id != "one"'

# A vacuum that passed the table over is none.
cp "$SOURCE/etc/fixtures/mock/sql/health/dead_tuples.json" "$own/dead_tuples.json"
jq '[.[0] | del(.times) | .rows[0][3] = "session 77 of clerk"]' "$SOURCE/etc/fixtures/mock/sql/health/table_state.json" \
    >"$own/table_state.json"
rm -rf "$LBOPS_STATE_DIR"
runs execute_low_risk_sop --issue_type dead_tuple_ratio --table orders --look_every_s 0
holds '.result | .status == "passed_over" and .reason == "session 77 of clerk locks it" and .count == 0 and .verified == null'
holds '[.events[] | select(.type == "vacuum.completed")] == []'
recorded vacuum_history '.status == "deferred" and .error_message == "session 77 of clerk locks it"'

# One whose table cannot be looked at after it was done all the same, and counts.
jq '[.[0], {error: {code: "sql", sqlstate: "57014", message: "too slow"}}]' \
    "$SOURCE/etc/fixtures/mock/sql/health/table_state.json" >"$own/table_state.json"
jq '.[1].rows = [.[0].rows[0] | .[1] = "0.01"]' "$SOURCE/etc/fixtures/mock/sql/health/dead_tuples.json" >"$own/dead_tuples.json"
rm -rf "$LBOPS_STATE_DIR"
runs execute_low_risk_sop --issue_type dead_tuple_ratio --table orders --look_every_s 0
holds '.result | .status == "executed" and .count == 1 and .verified'
recorded vacuum_history '.status == "failed" and (.error_message | test("could not be seen: .*too slow"))'
finish
