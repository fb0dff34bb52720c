#!/usr/bin/env bash
# monitor_system_health on the mock transport: the views become rows, and two readings of one moment make no rate.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs monitor_system_health
holds '.result | .recorded > 60 and .rates == 0 and .interval_seconds == null and .skipped != null'
holds '[.result.unknown[] | select(.metric == "cache_hit_ratio") | .reason] == ["this is the first reading"]'
recorded lakebase_metrics '.metric_name == "blocks_hit" and .kind == "counter" and (.detail | contains("90071992547409931"))'
recorded lakebase_metrics '.metric_name == "txid_age" and .threshold_level == "normal" and .unit == "xids"'

runs monitor_system_health
holds '.result | .rates == 0 and .interval_seconds == 0'
holds '[.result.unknown[] | select(.metric == "wal_bytes_per_second") | .reason] ==
    ["no time has passed since the reading before"]'
finish
