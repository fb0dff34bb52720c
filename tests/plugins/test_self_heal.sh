#!/usr/bin/env bash
# self_heal on the mock transport: a transaction that idles is for a person to end; old statistics are taken anew.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs self_heal --plan
holds '.result.remedies[0] | .cause == "idle_in_transaction" and .risk == "medium" and .status == "planned"'
holds '[.changes[] | .executed] == [false] and .events == []'

BRANCH=production runs self_heal --cause stale_statistics
holds '.result.remedies[0] | .object == "public.orders" and .risk == "low" and .status == "executed"'
holds '[.changes[] | select(.executed) | .statement] == ["ANALYZE (SKIP_LOCKED) public.orders"]'
holds '.result.remedies[0].verified == false and .result.escalated == 1'
BRANCH=production runs self_heal --cause stale_statistics
holds '.result.remedies[0] | .status == "held_back" and .why == "it was tried less than 2 h ago"'
BRANCH=production runs self_heal --cause stuck_slot
holds '.result.remedies[0] | .status == "for_a_person" and .risk == "high"'

# A look after it that fails has not seen that it helped.
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
jq '[.[0] + {times: 1}, {error: {code: "sql", sqlstate: "XX001", message: "invalid page"}}]' \
    "$SOURCE/etc/fixtures/mock/sql/diagnose/tables.json" >"$WORK/fixtures/sql/diagnose/tables.json"
rm -rf "$LBOPS_STATE_DIR"
BRANCH=production runs self_heal --cause stale_statistics
holds '.result.remedies[0] | .status == "executed" and .verified == null and (.why | test("not known: tables: .*invalid page"))'
holds '[.events[] | select(.type == "issue.escalated") | .payload.done | test("could not be seen, tables: ")] == [true]'

runs_with 2 self_heal --most 9
runs_with 2 self_heal --cause stale_statistic
holds '.error.hint | startswith("did you mean stale_statistics?")'
runs_with 1 self_heal --metric nosuch
holds '.error | .code == "invalid" and (.hint | contains("slow_query_time"))'
finish
