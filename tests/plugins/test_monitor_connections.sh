#!/usr/bin/env bash
# monitor_connections on the mock transport: the states add up, and what may not be seen is said.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs monitor_connections
holds '.result | .total_connections == 6 and .states == {"active": 1, "idle": 3, "idle in transaction": 1, "other": 1}'
holds '.result | .limit == 100 and .utilization == 0.06 and .long_idle_sessions == 3'
holds '.result.findings | length == 1 and (.[0] | .object == "session 102" and .evidence.locks == 3)'
holds '.result.skipped == [{"object": "1 sessions of other roles",
    "reason": "their state cannot be seen: it takes pg_monitor (or pg_read_all_stats)"}]'
recorded lakebase_metrics '.metric_name == "connection_utilization" and .metric_value == 0.06 and .unit == "ratio"'

runs_with 2 monitor_connections --max_idle_min -1
finish
