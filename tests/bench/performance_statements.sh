#!/usr/bin/env bash
# What a snapshot of 5,000 statements costs us: a JSON array of figures for the bench of the performance agent.
#
#   performance_statements.sh BUILD-DIR
#
# Processor time of a whole run (every process of it), less that of a run with hardly a statement: what remains is the
# reading of the rows and their way into the outbox. The least of some rounds counts, as others use the machine, too.
# Where statements have deltas, the history's service is asked how each of them stood: that is a figure of its own.
set -euo pipefail

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
# shellcheck source=tests/harness/pg.sh
. "$here/../harness/pg.sh"

# New pages of a disk's files cost a virtual machine what they like, which is nothing of ours.
[[ -n "${TMPDIR:-}" || ! -w /dev/shm ]] || export TMPDIR=/dev/shm
dir=$1
rounds=${LBOPS_BENCH_ROUNDS:-7}
statements=5000
work=$(mktemp -d)
finish() {
    pg_stop "$work/pg" || true
    rm -rf -- "$work"
}
trap finish EXIT

cmake --build "$dir" --target lbops transport_local delta_local approval_local state_sqlite persist_pg_stat_statements >&2
version=$(pg_versions | tail -n 1)
url=$(pg_start "$version" "$work/pg")
export LBOPS_BENCH_SERVER=$url
cat >"$work/lbops.toml" <<TOML
[workspace]
name = "bench"
state_dir = "$work/state"
plugins = ["$(realpath "$dir")/plugins"]

[services.transport]
plugin = "transport_local"
dsn = { secret = "server" }

[[targets]]
project = "shop"
branch = "postgres"
class = "production"

[secrets]
server = { env = "LBOPS_BENCH_SERVER" }
TOML

ask() {
    psql -XAtq -d "$url" "$@"
}

# Each combination of + and - is a statement of its own.
for ((n = 0; n < statements; n++)); do
    line='SELECT 1'
    for ((bit = 0; bit < 13; bit++)); do
        if (((n >> bit) & 1)); then line+=' + 1'; else line+=' - 1'; fi
    done
    printf '%s;\n' "$line"
done >"$work/statements.sql"

# cpu_ms COMMAND...: what it and its children took.
cpu_ms() {
    local TIMEFORMAT='%U %S'
    { time "$@" >"$work/out" 2>"$work/err"; } 2>"$work/time" || { cat "$work/out" "$work/err" >&2; return 1; }
    awk '{printf "%d\n", ($1 + $2) * 1000 + 0.5}' "$work/time"
}

snapshot_ms() {
    rm -rf -- "$work/state"
    cpu_ms "$dir/bin/lbops" -m "$work/lbops.toml" --json run persist_pg_stat_statements "$@"
}

history() {
    "$dir/bin/lbops" -m "$work/lbops.toml" --json sql "$@" | jq -r '.rows[0][0]'
}

# The next snapshot of the same epoch, in which each statement that was executed meanwhile has its deltas: what all of it
# takes, and its own process alone. What the one before has left in the outbox is committed by then.
again_ms() {
    ask -o /dev/null "$@"
    history 'SELECT count(*) FROM tool_runs' >/dev/null
    cpu_ms "$dir/bin/lbops" -m "$work/lbops.toml" --json run persist_pg_stat_statements --texts false
    history 'SELECT max_by(cpu_ms, started_at) FROM tool_runs' >>"$work/own"
}

least() {
    sort -n | head -n 1
}

least_own() {
    least <"$work/own"
    rm -f -- "$work/own"
}

ask -c 'CREATE EXTENSION pg_stat_statements'
few=$(for ((i = 0; i < rounds; i++)); do snapshot_ms --texts false; done | least)
few_again=$(for ((i = 0; i < rounds; i++)); do again_ms -c 'SELECT 1'; done | least)
few_own=$(least_own)
few_texts=$(for ((i = 0; i < rounds; i++)); do snapshot_ms; done | least)
ask -o /dev/null -f "$work/statements.sql"
many=$(for ((i = 0; i < rounds; i++)); do snapshot_ms --texts false; done | least)
seen=$(jq '.result.records' "$work/out")
many_again=$(for ((i = 0; i < rounds; i++)); do again_ms -f "$work/statements.sql"; done | least)
many_own=$(least_own)
seen_again=$(jq '.result.records' "$work/out")
many_texts=$(for ((i = 0; i < rounds; i++)); do snapshot_ms; done | least)

jq -n --argjson seen "$seen" --argjson cpu "$((many - few))" --argjson texts "$((many_texts - few_texts))" \
    --argjson seen_again "$seen_again" --argjson again "$((many_again - few_again))" --argjson many_own "$many_own" \
    --argjson few_own "$few_own" '
    ($many_own - $few_own) as $own |
    def for_5000($of): . * 5000 / $of * 10 | round / 10;
    [{name: "statements_in_snapshot", value: $seen, unit: "statements", target: 4500, ok: ($seen >= 4500),
      against: "what the server holds at most: 5,000"},
     {name: "snapshot_cpu", value: ($cpu | for_5000($seen)), unit: "ms for 5,000 statements", target: 60,
      ok: ($cpu * 5000 / $seen <= 60), against: "a run of the same tool with hardly a statement"},
     {name: "snapshot_with_deltas_cpu", value: ($own | for_5000($seen_again)),
      unit: "ms of the run for 5,000 statements, each executed since the snapshot before", target: 60,
      ok: ($seen_again >= 4500 and $own * 5000 / $seen_again <= 60),
      against: "a run of the same tool with hardly a statement"},
     {name: "snapshot_history_cpu", value: ($again - $own | for_5000($seen_again)),
      unit: "ms of the service of the history, which is asked how 5,000 statements stood", target: null, ok: true,
      against: "the same question with hardly a statement"},
     {name: "snapshot_with_texts_cpu", value: ($texts | for_5000($seen)),
      unit: "ms for 5,000 statements and as many new texts", target: null, ok: true,
      against: "a run of the same tool with hardly a statement"}]'
