#!/usr/bin/env bash
# monitor_connections on the mock transport: the states add up, and what may not be seen is said.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs monitor_connections
holds '.result | .total_connections == 6 and .states == {"active": 1, "idle": 3, "idle in transaction": 1, "other": 1}'
holds '.result | .limit == 100 and .utilization == 0.06 and .long_idle_sessions == 3'
holds '.result.findings | length == 1 and (.[0] | .object == "session 102" and .evidence.locks == 3)'
holds '.result.skipped == [{"object": "1 session of another role",
    "reason": "what others do cannot be seen: it takes pg_monitor (or pg_read_all_stats)"}]'
recorded lakebase_metrics '.metric_name == "connection_utilization" and .metric_value == 0.06 and .unit == "ratio"'

runs_with 2 monitor_connections --max_idle_min -1

# Most of those at work wait for light locks: the third look in a row says so, and a calm one begins anew.
fixtures=$WORK/fixtures
cp -r "$SOURCE/etc/fixtures/mock" "$fixtures"
sed -i "s|^fixtures = .*|fixtures = '$fixtures'|" "$MANIFEST"
sessions=$fixtures/sql/connections/sessions.json
crowd() { # WAITING of the six at work
    jq --argjson waiting "$1" '[.[1] | del(.note, .times) | .rows |= (map(select(.[0] == "106"))[0] as $one |
        [range(6) | . as $i | $one | .[0] = "\(200 + $i)" | if $i < $waiting then .[7] = "LWLock" | .[8] = "WALWrite" else . end])]' \
        "$SOURCE/etc/fixtures/mock/sql/connections/sessions.json" >"$sessions"
    runs monitor_connections "${@:2}"
}
light='[.result.findings[]? | select(.kind == "light_lock_waits")]'
crowd 4
crowd 4
holds "$light == [] and .result.waiting_for_light_locks == 4"
crowd 3 # half of them is not most
crowd 4
crowd 5
holds "$light == []"
crowd 4 --min_active 7 # too few for a share to say anything
crowd 4
crowd 5
crowd 4
holds "$light | length == 1 and (.[0] | .object == \"server\" and .evidence == {waiting: 4, active: 6, wait_event: \"WALWrite\", looks: 3})"
finish
