#!/usr/bin/env bash
# scripts/build-job: its archive runs where there is nothing else, not even a libc.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

[[ $EUID == 0 ]] && unshare -m true 2>/dev/null || { echo "an empty root needs root's rights"; exit 77; }
ROOT=$WORK/root

builds() {
    "$SOURCE/scripts/build-job" look --tools example_tables,noop --with transport_mock --with state_sqlite \
        --output "$WORK/dist" >"$WORK/said" 2>"$WORK/log" || { tail -20 "$WORK/log"; return 1; }
    cat "$WORK/said"
}

is_small() {
    local bytes
    bytes=$(stat -c %s "$WORK/dist/lbops-look.tar.xz")
    printf '%s bytes\n' "$bytes"
    ((bytes < 10000000))
}

has_what_it_needs_and_no_more() {
    tar -tJf "$WORK/dist/lbops-look.tar.xz" | sed -n 's/.*plugins\/\(.*\)\.so$/\1/p' | sort | paste -sd' ' | tee "$WORK/plugins"
    [[ "$(<"$WORK/plugins")" == 'example_tables noop state_sqlite transport_mock' ]]
}

make_root() {
    mkdir -p "$ROOT"/{proc,dev,tmp,place} && tar -C "$ROOT" -xJf "$WORK/dist/lbops-look.tar.xz" &&
        cp -r "$SOURCE/etc/fixtures/mock" "$ROOT/place/fixtures" && chmod -R go-w "$ROOT" && cat >"$ROOT/place/lbops.toml" <<'TOML'
[workspace]
name = "look"
state_dir = "/place/state"

[services.transport]
plugin = "transport_mock"
fixtures = "fixtures"

[[targets]]
project = "shop"
branch = "production"

[[jobs]]
name = "look"
cron = "@hourly"
tools = ["example_tables", "noop"]
TOML
}

# Nothing of this machine is there but its kernel.
in_root() {
    unshare -m -- bash -c 'mount -t proc proc "$1/proc" && mknod "$1/dev/null" c 1 3 2>/dev/null; shift; exec chroot "$@"' \
        - "$ROOT" "$ROOT" /lbops-look/bin/lbops -m /place/lbops.toml "$@"
}

runs_there() {
    in_root --json job look >"$WORK/job.json" 2>"$WORK/job.err" || { cat "$WORK/job.json" "$WORK/job.err"; return 1; }
    jq -es '.[-1].ok == 2 and .[0].tool == "example_tables" and (.[0].result.examined | length) > 0' "$WORK/job.json"
}

remembers_there() {
    in_root --json runs | jq -e 'length == 2 and all(.status == "ok")'
}

refuses_unknown() {
    local said
    said=$("$SOURCE/scripts/build-job" "$@" 2>&1) && return 1
    printf '%s\n' "$said"
    grep -q 'hint: ' <<<"$said"
}

# What CMake would run for that; the archive itself is looked at above.
cmake_runs_it() {
    cmake -S "$SOURCE" -B "$WORK/made" -G Ninja -DLBOPS_JOB=cost_tracker "-DLBOPS_JOB_WITH=transport_mock;state_sqlite" &&
        ninja -C "$WORK/made" -t commands | tr -d "\"'" | tee "$WORK/commands" &&
        grep -qF "build-job cost_tracker --with transport_mock --with state_sqlite --output $WORK/made" "$WORK/commands" &&
        [[ $(grep -c . "$WORK/commands") == 1 ]]
}

cmake_refuses_unknown() {
    ! cmake -S "$SOURCE" -B "$WORK/none" -G Ninja -DLBOPS_JOB=nothing_like_it >"$WORK/none.log" 2>&1 &&
        grep -q 'there is no job nothing_like_it' "$WORK/none.log"
}

check "it builds an archive" builds
check "of less than 10 MB" is_small
check "with the job's plugins alone" has_what_it_needs_and_no_more
check "it is unpacked where there is nothing" make_root
check "its job runs there, in workers of its own" runs_there
check "its state is kept there" remembers_there
check "an unknown job is refused" refuses_unknown nothing_like_it
check "a job with a plugin that is not there is refused" refuses_unknown look --tools no_such_tool
check "CMake builds it for LBOPS_JOB, and nothing else" cmake_runs_it
check "an unknown LBOPS_JOB is refused" cmake_refuses_unknown
finish
