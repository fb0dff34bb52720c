#!/usr/bin/env bash
# diagnose_root_cause on the mock transport: one transaction that idles on a branch, and more on production.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs diagnose_root_cause
holds '.result | .found == 1 and (.verdict | endswith("idle_in_transaction of session 102"))'
holds '[.result.skipped[] | .reason] | any(startswith("this is the first reading"))'
holds '.result.findings[0] | .evidence.idle_s == 3600 and (.impact.command | startswith("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 102 AND backend_start = "))'

holds '.result | .where_time_goes == "1.0 sessions at work in 5 looks: 100 % CPU"
    and (.waits | length == 1 and (.[0] | .class == "CPU" and .share == 1 and .sessions == 1 and .event == null and .causes == []))'

BRANCH=production runs diagnose_root_cause --metric slow_query_time
holds '.result.causes[0] | .kind == "idle_in_transaction" and .fits and .explains == ["dead_tuples of public.queue"]'
holds '.result.causes[] | select(.kind == "stale_statistics") | .object == "public.orders" and .fits and .rank > 1'
holds '[.result.causes[] | select(.kind == "autovacuum_off") | .object] == ["public.queue"]'
holds '[.result.causes[] | select(.rank == null) | .because_of] == ["idle_in_transaction of session 102"]'
holds '.result.causes[] | select(.kind == "stuck_slot") | .object == "forgotten" and (.fits | not)'
holds '.result.changes[0] | .by == "anna" and (.statement | contains("autovacuum_enabled"))'
holds '.changes == []'

BRANCH=production runs diagnose_root_cause --metric deadlocks_per_hour
holds '.result.verdict | startswith("nothing found explains deadlocks_per_hour")'

# Tables are frozen one after the other: the age is past its limit yet, and comes down. Once it is up again it is a cause.
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
ages=$WORK/fixtures/sql/health/transaction_ages.json
aged() {
    jq --arg age "$1" '.[0].rows[0][1] = $age' "$SOURCE/etc/fixtures/mock/sql/health/transaction_ages.json" >"$ages"
    BRANCH=staging runs diagnose_root_cause
    holds "[.result.causes[]? | select(.kind == \"wraparound_age\")] | length == $2"
}
aged 1200000000 1
aged 1150000000 0
aged 1155000000 0
aged 1210000000 1

# Slots: lost, nearly lost with a reader, one of the platform's own without, one that the primary's keeps in step, and small ones.
jq '.[1].rows = [["gone", "logical", "f", "f", "0", "lost", "0/15D68C8", null, "t", null, "60", "rows_removed", "f"],
    ["near", "physical", "t", "f", "3194304000", "extended", "0/15D68C8", null, "t", "1073741823", null, null, "f"],
    ["wal_proposer_slot", "physical", "f", "f", "0", "reserved", "0/15D68C8", null, "t", "4294967296", "1800", null, "f"],
    ["in_step", "logical", "f", "f", "0", "reserved", "0/15D68C8", null, "t", "4294967296", "7200", null, "t"],
    ["small", "physical", "f", "f", "0", "reserved", "0/15D68C8", null, "t", "1073741824", "1799", null, "f"],
    ["of_15", "physical", "f", "f", "0", "reserved", "0/15D68C8", null, "t", null, null, null, "f"]]' \
    "$SOURCE/etc/fixtures/mock/sql/diagnose/slots.json" >"$WORK/fixtures/sql/diagnose/slots.json"
jq '.[0].rows[0][7] = "4294967296"' "$SOURCE/etc/fixtures/mock/sql/diagnose/settings.json" >"$WORK/fixtures/sql/diagnose/settings.json"
BRANCH=staging runs diagnose_root_cause
holds '[.result.causes[] | select(.kind == "lost_slot" or .kind == "stuck_slot") | [.kind, .object, (.confidence * 100 | round)]] | sort ==
    [["lost_slot", "gone", 90], ["lost_slot", "near", 60], ["stuck_slot", "wal_proposer_slot", 50]]'
holds '.result.causes[] | select(.object == "gone") | (.reason | contains("(rows_removed)")) and (.command | startswith("SELECT pg_drop_replication_slot("))'
holds '.result.causes[] | select(.object == "near") | .command | startswith("ALTER SYSTEM SET max_slot_wal_keep_size = ") and contains("8192MB")'
holds '.result.causes[] | select(.object == "wal_proposer_slot") | .command | contains("pg_drop_replication_slot") | not'

# Most of those at work wait for light locks: enough of them, in enough looks.
jq '.[0].rows = [["LWLock", "WALWrite", "4"], ["LWLock", "WALInsert", "1"], ["CPU", null, "1"]]' \
    "$SOURCE/etc/fixtures/mock/sql/diagnose/waits.json" >"$WORK/fixtures/sql/diagnose/waits.json"
light='[.result.causes[]? | select(.kind == "light_locks")]'
BRANCH=staging runs diagnose_root_cause
holds "$light | length == 1 and (.[0] | .object == \"server\" and (.confidence * 100 | round) == 93)"
holds '.result.waits[0] | .class == "LWLock" and .event == "WALWrite" and (.share * 6 | round) == 5 and (.event_share * 6 | round) == 4'
holds '.result.waits | map(.causes) == [["light_locks of server"], []]'
BRANCH=staging runs diagnose_root_cause --min_active 7
holds "$light == []"
BRANCH=staging runs diagnose_root_cause --wait_looks 2
holds "$light == []"

runs_with 2 diagnose_root_cause --min_wait_s -1

# A misspelt name would be answered about whatever there is; what an alert of somebody else's is called, is its own affair.
runs_with 1 diagnose_root_cause --metric lock_wait_tim
holds '.error | .code == "invalid" and (.message | contains("lock_wait_tim")) and (.hint | contains("lock_wait_time"))'
runs diagnose_root_cause --metric queue_length --context '{"object": "till"}'
finish
