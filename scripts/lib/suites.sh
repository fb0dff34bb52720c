# shellcheck shell=bash
# Running suites and steps, and counting them. Source common.sh, build.sh and
# passed.sh first; `work` is a directory of the caller's.
work=${work:-}

PASSED=0
FAILED=0
BROKEN=()
STARVED=()

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

# watched COMMAND...: runs it in a process group of its own, so that a signal to this script need not wait for its end and
# stop_watched can end all of it.
WATCHED=''
watched() {
    local status=0
    set -m
    unheld "$@" </dev/null &
    WATCHED=$!
    set +m
    wait "$WATCHED" || status=$?
    WATCHED=''
    return "$status"
}

stop_watched() {
    [[ -z "$WATCHED" ]] || kill -TERM -- "-$WATCHED" 2>/dev/null || true
}

# step NAME COMMAND...: shows what it says, and goes on when it fails.
step() {
    local name=$1 start=$SECONDS status=0
    shift
    headline "$name"
    watched "$@" || status=$?
    count "$name" "$status"
    ((status == 0)) || warn "$name failed"
    log "$name took $((SECONDS - start)) s"
}

# ---- Postgres ----------------------------------------------------------------

# Suites that want a server are integration suites, or carry the label postgres.
wants_postgres() {
    unheld ctest --test-dir "$1" --show-only=json-v1 "${@:2}" |
        jq -e 'any(.tests[]; (.name | startswith("integration.")) or
            any(.properties[]?; .name == "LABELS" and (.value | index("postgres"))))' >/dev/null
}

# Suites in Python carry the label python.
wants_python() {
    unheld ctest --test-dir "$1" --show-only=json-v1 "${@:2}" |
        jq -e 'any(.tests[].properties[]?; .name == "LABELS" and (.value | index("python")))' >/dev/null
}

# Debian's clients are names of a Perl script that looks for the newest version and starts it, which takes longer than what
# psql itself does: suites, who call them thousands of times, get that version by name.
name_clients() {
    local name bare
    bare=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    mkdir -p -- "$work/clients"
    while read -r name; do
        [[ ! -x "$bare/$name" ]] || ln -sf -- "$bare/$name" "$work/clients/$name"
    done < <(find /usr/bin -lname '*/pg_wrapper' -printf '%f\n')
    PATH=$work/clients:$PATH
}

# Starts every version there is, three times, and says where they are: what watches whole servers wants some that nobody
# else uses, and two such suites run at once. A version that cannot be started fails the run: a suite that skips would look green.
start_postgres() {
    local version place
    local -a children=()
    [[ -z "${!LBOPS_TEST_PG*}" ]] || return 0
    name_clients
    headline "PostgreSQL $(pg_versions | paste -sd' ')"
    for version in $(pg_versions); do
        for place in pg watched1 watched2; do
            # Suites look for their statements there: with the usual 5,000 one pushes out what another has just executed,
            # or what one has left behind makes the next one's go first.
            PG_STATEMENTS=50000 unheld pg_start "$version" "$work/$place" >"$work/$place.url$version" &
            children+=("$!")
        done
    done
    for version in "${children[@]}"; do
        wait "$version" || die 1 "a test server did not start" "its log is above"
    done
    for version in $(pg_versions); do
        export "LBOPS_TEST_PG$version=$(<"$work/pg.url$version")" \
            "LBOPS_WATCHED1_PG$version=$(<"$work/watched1.url$version")" \
            "LBOPS_WATCHED2_PG$version=$(<"$work/watched2.url$version")"
    done
}

# ---- ctest -------------------------------------------------------------------

# Suites that start Spark carry the label spark.
wants_spark() {
    unheld ctest --test-dir "$1" --show-only=json-v1 "${@:2}" |
        jq -e 'any(.tests[].properties[]?; .name == "LABELS" and (.value | index("spark")))' >/dev/null
}

# Suites that have workflows looked at carry the label actionlint.
wants_actionlint() {
    unheld ctest --test-dir "$1" --show-only=json-v1 "${@:2}" |
        jq -e 'any(.tests[].properties[]?; .name == "LABELS" and (.value | index("actionlint")))' >/dev/null
}

# show_cases LOG: what the suites that tell a story went through, by name: bad and hostile plugins, the gate, the daemon,
# the emulator, history, and all tools with their figures.
show_cases() {
    awk '
        /^[0-9]+\/[0-9]+ Test: / { show = $3 ~ /\.(registry|gate_table|.*hostile|.*faults)|^(emulator|daemon|faults|interop|lakebase|provisioning|performance|health|dashboards|jobs|packaging)\./; if (show) print "  " $3 }
        /^<end of output>/ { show = 0 }
        show && /^  +[^ ]/ && !/CUnit|cunit\.sourceforge|^ +(suites|tests|asserts) / { print "  " $0 }' "$1"
}

# run_ctest FILE ARG...: what it says goes to the reader and to FILE.
run_ctest() {
    ctest "${@:2}" 2>&1 | tee "$1"
}

passed_suites() {
    sed -n -E 's|^ *[0-9]+/[0-9]+ Test +#[0-9]+: ([^ ]+) \.+ +Passed .*$|\1|p' "$1"
}

failed_suites() {
    sed -n -E 's/^[[:space:]]+[0-9]+ - ([^ ]+) \(.*$/\1/p' "$1"
}

# A machine that is busy with something else can starve a suite that waits for others. What failed is tried once more with
# nothing beside it, which is told at the end; not where a sanitizer found something or several failed, since neither
# comes from too little time. second_try PRESET DIR OUT
second_try() {
    local preset=$1 dir=$2 out=$3 name again=$work/again.out log=$2/Testing/Temporary/LastTest.log
    local -a names
    mapfile -t names < <(failed_suites "$out")
    ((${#names[@]} > 0 && ${#names[@]} <= 3)) || return 0
    ! grep -qE 'ERROR: [A-Za-z]+Sanitizer|: runtime error: ' "$out" || return 0
    headline "once more and alone ($preset): ${names[*]}"
    cp -- "$log" "$work/first.log"
    watched run_ctest "$again" --test-dir "$dir" --output-on-failure -j 1 -R "$(only_names "${names[@]}")" || true
    cat -- "$work/first.log" "$log" >"$work/both.log"
    mv -- "$work/both.log" "$log"
    while read -r name; do STARVED+=("$name ($preset)"); done < <(passed_suites "$again")
}

was_starved() {
    local name
    for name in "${STARVED[@]}"; do [[ "$name" != "$1" ]] || return 0; done
    return 1
}

# What those of a label need is fetched or started once somebody wants it. prepare DIR CTEST-ARG...
prepare() {
    if wants_postgres "$@"; then start_postgres; fi
    if wants_python "$@"; then python_install; fi
    if wants_spark "$@"; then jars_install; fi
    if wants_actionlint "$@"; then actionlint_install; fi
}

# count_suites PRESET OUT: as ctest has counted them, but for what passed at its second try.
count_suites() {
    local line failed
    line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$2" || true)
    if [[ ! "$line" =~ ,\ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
        count "suites ($1)" 1
        return
    fi
    failed=${BASH_REMATCH[1]}
    while read -r line; do
        if was_starved "$line ($1)"; then
            failed=$((failed - 1))
        else
            BROKEN+=("$line ($1)")
        fi
    done < <(failed_suites "$2")
    FAILED=$((FAILED + failed))
    PASSED=$((PASSED + BASH_REMATCH[2] - failed))
}

# suites PRESET [CTEST-ARG...]
suites() {
    local preset=$1 dir status=0 at_once out=$work/ctest.out
    local -a args=("${@:2}") before=() now=()
    dir=$(build_dir "$preset")
    [[ "$preset" != asan ]] || args+=(-LE '^nosan$')
    [[ "$preset" == fuzz ]] || mapfile -t before < <(passed_before "$dir")
    if ((${#before[@]} > 0)); then
        args+=(-E "$(only_names "${before[@]}")")
        PASSED=$((PASSED + ${#before[@]}))
        headline "suites ($preset)"
        log "${#before[@]} have passed on this very tree before: scripts/test --again runs them too"
        [[ "$(unheld ctest --test-dir "$dir" -N "${args[@]}")" != *'Total Tests: 0'* ]] || return 0
    fi
    prepare "$dir" "${args[@]}"
    headline "suites ($preset)"
    # Suites wait more than they compute; what they build with gets one job for each processor. Not exported for good: the next
    # call would take it for the caller's wish.
    at_once=${LBOPS_JOBS:-$(($(nproc) * 3 / 2))}
    LBOPS_JOBS=$(jobs_count) \
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:allocator_may_return_null=1 \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
        watched run_ctest "$out" --test-dir "$dir" --output-on-failure --no-tests=error -j "$at_once" "${args[@]}" ||
        status=$?
    mapfile -t now < <(passed_suites "$out")
    if ((status != 0 && ${SECOND_TRY:-0})); then
        second_try "$preset" "$dir" "$out"
        [[ ! -e "$work/again.out" ]] || mapfile -t -O "${#now[@]}" now < <(passed_suites "$work/again.out")
        rm -f -- "$work/again.out"
    fi
    show_cases "$dir/Testing/Temporary/LastTest.log"
    count_suites "$preset" "$out"
    [[ "$preset" == fuzz ]] || remember_passed "$dir" "${now[@]}"
    ((status == 0 || FAILED > 0 || ${#STARVED[@]} > 0)) || count "ctest ($preset)" "$status"
}

# ---- fuzzers -----------------------------------------------------------------

# Each fuzzer for LBOPS_FUZZ_S seconds (slow ones for twice of it), as many at once as there are processors. Without that
# they share a little over a minute: 10 s for each of ten on two processors, which are some 100,000 inputs and up.
fuzzers() {
    local root seconds=${LBOPS_FUZZ_S:-} number
    local -a sources
    root=$(repo_root)
    sources=("$root"/tests/fuzz/fuzz_*.c)
    number=${#sources[@]}
    if [[ -z "$seconds" ]]; then
        seconds=$((50 * $(jobs_count) / number))
        seconds=$((seconds > 60 ? 60 : seconds))
    fi
    BUILD_OPTIONS=("-DLBOPS_FUZZ_SECONDS=$seconds")
    build_preset fuzz fuzzers
    # shellcheck disable=SC2034
    BUILD_OPTIONS=()
    log "$number fuzzers, $seconds s each"
    LBOPS_JOBS=$(jobs_count) suites fuzz -L '^fuzz$'
    sed -n -E \
        -e '/^[0-9]+\/[0-9]+ Test: /{s/^[0-9]+\/[0-9]+ Test: //;h;}' \
        -e '/^stat::number_of_executed_units: /{G;s/^.*: *([0-9]+)\n(.*)$/    \2: \1 inputs/p;}' \
        "$(build_dir fuzz)/Testing/Temporary/LastTest.log"
}

# ---- the end -----------------------------------------------------------------

# The plain line is the last one; 0 only when nothing failed and something passed.
summary() {
    local name
    for name in "${STARVED[@]}"; do printf '    failed beside others, passed alone: %s\n' "$name"; done
    for name in "${BROKEN[@]}"; do printf '    failed: %s\n' "$name"; done
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
    ((FAILED == 0 && PASSED > 0))
}
