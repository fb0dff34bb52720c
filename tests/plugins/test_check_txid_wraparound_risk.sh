#!/usr/bin/env bash
# check_txid_wraparound_risk on the mock transport: levels, a table's own limit, and the holder.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs check_txid_wraparound_risk
holds '.result.risk_level == "warning" and .result.xid_age == 600000000'
holds '[.result.findings[] | [.object, .kind]] == [["shop", "database_txid_age"], ["Sales.Odd \"Name\"", "table_txid_age"],
    ["public.orders.id", "key_exhaustion"]]'
holds '.result.findings[1] | .evidence.freeze_max_age == 150000000 and (.fix | contains("\"Odd \"\"Name\"\"\""))'
holds '.result.findings[2] | .impact.level == "critical" and .fix == null and (.evidence | .days_left > 9.9 and .days_left < 10.1
    and .referred_to_by == "public.items.order_id" and (.remedy | contains("in batches")))'
holds '.result.skipped | any(.object == "1 sequence")'
holds '[.events[] | [.type, .payload.metric]] == [["threshold.breached", "txid_age"], ["threshold.breached", "key_range_used"]]'
recorded lakebase_metrics '.metric_name == "txid_age" and .metric_value == 600000000 and .threshold_level == "warning"'

BRANCH=production
runs check_txid_wraparound_risk --warning_age 100 --critical_age 600000000
holds '.result.risk_level == "critical" and .result.held_back_by.pid == 4711'
runs_with 1 check_txid_wraparound_risk --warning_age 100 --critical_age 10

runs check_txid_wraparound_risk --warning_days 16
holds '.result | (.rate | startswith("from history, over ")) and (.days_to_refusal_of_xids | . > 15 and . < 16)'
finish
