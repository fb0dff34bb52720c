#!/usr/bin/env bash
# evaluate_alert_thresholds on the mock transport: a breach is told once, and is over at the clear level.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

# Each sight counts.
at_sight() {
    runs evaluate_alert_thresholds --fire_after 1 --clear_after 1 "$@"
}

BRANCH=production
at_sight
holds '.result.examined.metrics == 8 and .events == [] and .result.alerts_triggered == 0'

at_sight --metrics '{"txid_age": 600000000}' --run_sops
holds '[.events[] | select(.type == "threshold.breached") | [.payload.level, .payload.threshold]] == [["warning", 500000000]]'
holds '.result.alerts[0] | .state == "opened" and .clear_level == 450000000 and .sop == "vacuum_freeze"'
holds '.result.sops_auto_executed == 1 and (.result.sops[0].result | .action == "vacuum_freeze" and .status == "executed")'
at_sight --metrics '{"txid_age": 600000000}' --run_sops
holds '.events == [] and .result.alerts[0].state == "open"'
at_sight
holds '[.events[].type] == ["threshold.cleared"] and .result.resolved == 1'

# The limits of the procedure hold by this door as well, though a tool that is called remembers nothing.
at_sight --metrics '{"txid_age": 600000000}' --run_sops
holds '.result.sops_auto_executed == 0 and (.result.sops[0].result
         | .status == "skipped" and .reason == "it was done less than an hour ago" and .memory == null)'

at_sight --what_if '{"txid_age": {"warning": 6e8}}'
holds '.result.what_if[0].as_asked.warning == 6e8 and .result.what_if[0].as_it_is.warning == 5e8 and .events == []'

# The first statement that is slow, where none had been: the reading before saw that there was none.
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
slow=$WORK/fixtures/sql/health/slow_statements.json
jq '.[0].rows = []' "$SOURCE/etc/fixtures/mock/sql/health/slow_statements.json" >"$slow"
BRANCH=staging
at_sight
holds '.events == []'
jq '.[0].rows[0][4:7] = ["1", "90000", "90000"]' "$SOURCE/etc/fixtures/mock/sql/health/slow_statements.json" >"$slow"
at_sight
holds '[.events[] | [.type, .payload.metric, .payload.level]] == [["threshold.breached", "slow_query_time", "critical"]]'

# Tables are frozen one after the other: the age is past its limit yet, and comes down. Once it is up again it is told.
BRANCH=ci-pr-1
ages=$WORK/fixtures/sql/health/transaction_ages.json
aged() {
    jq --arg age "$1" '.[0].rows[0][1] = $age' "$SOURCE/etc/fixtures/mock/sql/health/transaction_ages.json" >"$ages"
    runs evaluate_alert_thresholds --fire_after 2
}
aged 700000000
holds '.events == [] and .result.alerts[0].state == "pending"'
aged 650000000
holds '.events == [] and .result.alerts[0].state == "pending"'
aged 655000000
holds '.events == [] and .result.alerts[0].state == "pending"'
aged 710000000
holds '[.events[] | [.type, .payload.metric]] == [["threshold.breached", "txid_age"]]'

# Without a word about patience each metric has its own.
BRANCH=staging
sees() {
    runs evaluate_alert_thresholds --metrics "$1"
    holds "[.events[] | [.type, .payload.level]] == $2"
}
sees '{"txid_age": 600000000}' '[]'
sees '{"txid_age": 600000000}' '[["threshold.breached", "warning"]]'
sees '{"txid_age": 1}' '[]'
sees '{"txid_age": 1}' '[]'
sees '{"txid_age": 1}' '[["threshold.cleared", null]]'
sees '{"txid_age": 1100000000}' '[["threshold.breached", "critical"]]'
sees '{"deadlocks_per_hour": 3}' '[["threshold.breached", "warning"]]'
sees '{"deadlocks_per_hour": 0}' '[["threshold.cleared", null]]'

runs_with 1 evaluate_alert_thresholds --metrics '{"rain": 1}'
holds '.error.message == "metrics: no figure with a limit is called '"'rain'"'" and (.error.hint | contains("txid_age"))'
runs_with 1 evaluate_alert_thresholds --metrics '{"txid_age": "old"}'
holds '.error.message == "metrics: txid_age is no number"'
finish
