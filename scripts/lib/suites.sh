# shellcheck shell=bash
# Running suites and steps, and counting them. Source common.sh and build.sh
# first; `work` is a directory of the caller's.
work=${work:-}

PASSED=0
FAILED=0
BROKEN=()

headline() {
    paint 1 "== $*"
}

# count NAME STATUS: one thing that passed or failed.
count() {
    if (($2 == 0)); then
        PASSED=$((PASSED + 1))
    else
        FAILED=$((FAILED + 1))
        BROKEN+=("$1")
    fi
}

# step NAME COMMAND...: shows what it says, and goes on when it fails.
step() {
    local name=$1 start=$SECONDS status=0
    shift
    headline "$name"
    unheld "$@" </dev/null || status=$?
    count "$name" "$status"
    ((status == 0)) || warn "$name failed"
    log "$name took $((SECONDS - start)) s"
}

# ---- Postgres ----------------------------------------------------------------

# Suites that want a server carry the label postgres.
wants_postgres() {
    unheld ctest --test-dir "$1" --show-only=json-v1 "${@:2}" |
        jq -e 'any(.tests[].properties[]?; .name == "LABELS" and (.value | index("postgres")))' >/dev/null
}

# Starts every version there is, once, and says where they are. A version that
# cannot be started fails the run: a suite that skips would look green.
start_postgres() {
    local version
    local -a children=()
    [[ -z "${LBOPS_TEST_PG17:-}" ]] || return 0
    headline "PostgreSQL $(pg_versions | paste -sd' ')"
    for version in $(pg_versions); do
        unheld pg_start "$version" "$work/pg" >"$work/url$version" &
        children+=("$!")
    done
    for version in "${children[@]}"; do
        wait "$version" || die 1 "a test server did not start" "its log is above"
    done
    for version in $(pg_versions); do
        export "LBOPS_TEST_PG$version=$(<"$work/url$version")"
    done
}

# ---- ctest -------------------------------------------------------------------

# show_cases LOG: what is inside the suites of bad and hostile plugins, by name.
show_cases() {
    sed -n -E \
        -e '/^[0-9]+\/[0-9]+ Test: /{s/^[0-9]+\/[0-9]+ Test: //;h;}' \
        -e '/^ *Test: .*\.\.\. *(passed|FAILED)/{G;s/^ *Test: (.*[^ .]) ?\.\.\. *(passed|FAILED)\n(.*)$/    \3: \1 \2/p;}' \
        -e '/^ *(ok|not ok) - /{G;s/^ *(ok|not ok) - (.*)\n(.*)$/    \3: \2 \1/p;}' "$1" |
        grep -E '^    [^:]*(registry|hostile|bad|faults)[^:]*: ' || true
}

# suites PRESET [CTEST-ARG...]
suites() {
    local preset=$1 dir status=0 line out=$work/ctest.out
    local -a args=("${@:2}")
    dir=$(build_dir "$preset")
    [[ "$preset" != asan ]] || args+=(-LE '^nosan$')
    if wants_postgres "$dir" "${args[@]}"; then start_postgres; fi
    headline "suites ($preset)"
    export LBOPS_JOBS=${LBOPS_JOBS:-$(nproc)}
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:allocator_may_return_null=1 \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
        unheld ctest --test-dir "$dir" --output-on-failure --no-tests=error -j "$LBOPS_JOBS" "${args[@]}" \
        </dev/null 2>&1 | tee "$out" || status=$?
    show_cases "$dir/Testing/Temporary/LastTest.log"
    line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$out" || true)
    if [[ "$line" =~ ,\ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
        FAILED=$((FAILED + BASH_REMATCH[1]))
        PASSED=$((PASSED + BASH_REMATCH[2] - BASH_REMATCH[1]))
        while read -r line; do
            BROKEN+=("$line ($preset)")
        done < <(sed -n -E 's/^[[:space:]]+[0-9]+ - ([^ ]+) \(.*$/\1/p' "$out")
    else
        count "suites ($preset)" 1
    fi
    ((status == 0 || FAILED > 0)) || count "ctest ($preset)" "$status"
}

# ---- fuzzers -----------------------------------------------------------------

# fuzz_one PROGRAM SECONDS: what it finds stays in the build directory.
fuzz_one() {
    local program=$1 name=${1##*/fuzz_} seeds found
    seeds=$(repo_root)/tests/fuzz/seeds/$name
    found=$(build_dir fuzz)/found/$name
    mkdir -p "$work/corpus/$name" "$found"
    [[ -d "$seeds" ]] || seeds=''
    "$program" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$found/" "$work/corpus/$name" ${seeds:+"$seeds"} >"$work/fuzz_$name.out" 2>&1
}

# A crash shows its stack; a pass shows how much was tried.
fuzz_report() {
    local name=$1 status=$2 runs
    count "fuzz.$name" "$status"
    if ((status == 0)); then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/fuzz_$name.out")
        printf '    fuzz.%-20s passed, %s inputs\n' "$name" "${runs:-?}"
    else
        printf '    fuzz.%-20s FAILED\n' "$name"
        tail -n 40 "$work/fuzz_$name.out"
    fi
}

# fuzzers: each for LBOPS_FUZZ_S seconds, as many at once as there are processors,
# within six minutes in all.
fuzzers() {
    local seconds width program name i
    local -a programs=() children=()
    build_preset fuzz fuzzers
    mapfile -t programs < <(find "$(build_dir fuzz)/bin" -maxdepth 1 -name 'fuzz_*' -type f -perm -u+x | sort)
    ((${#programs[@]} > 0)) || { warn "there are no fuzzers"; count fuzzers 1; return 0; }
    width=$(jobs_count)
    seconds=${LBOPS_FUZZ_S:-$((360 * width / ${#programs[@]}))}
    [[ -n "${LBOPS_FUZZ_S:-}" ]] || seconds=$((seconds > 60 ? 60 : seconds))
    headline "fuzzers, $seconds s each"
    for ((i = 0; i < ${#programs[@]}; i += width)); do
        children=()
        for program in "${programs[@]:i:width}"; do
            unheld fuzz_one "$program" "$seconds" &
            children+=("$!")
        done
        for program in "${programs[@]:i:width}"; do
            name=${program##*/fuzz_}
            if wait "${children[0]}"; then fuzz_report "$name" 0; else fuzz_report "$name" 1; fi
            children=("${children[@]:1}")
        done
    done
}

# ---- the end -----------------------------------------------------------------

# The plain line is the last one; 0 only when nothing failed and something passed.
summary() {
    local name
    for name in "${BROKEN[@]}"; do printf '    failed: %s\n' "$name"; done
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
    ((FAILED == 0 && PASSED > 0))
}
