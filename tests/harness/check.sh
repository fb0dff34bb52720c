# shellcheck shell=bash
# For tests that are scripts. Source it: gives SOURCE, BUILD, a WORK folder that goes at the end, and check.
set -uo pipefail

SOURCE=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
# shellcheck disable=SC2034
BUILD=${LBOPS_TEST_BUILD:-$SOURCE/build}
WORK=$(mktemp -d)
FAILURES=0
CHECKS=0
trap 'rm -rf -- "$WORK"' EXIT
# What the caller has set up for lbops is no concern of these tests.
unset LBOPS_MANIFEST LBOPS_STATE_DIR DESTDIR

# check TITLE COMMAND...: one line for what holds, all of its output for what does not.
check() {
    local title=$1
    shift
    CHECKS=$((CHECKS + 1))
    if "$@" >"$WORK/output" 2>&1 </dev/null; then
        printf 'ok - %s\n' "$title"
    else
        FAILURES=$((FAILURES + 1))
        printf 'not ok - %s\n' "$title"
        sed 's/^/    /' "$WORK/output"
        return 1
    fi
}

# need TITLE COMMAND...: as check, and without it the rest makes no sense.
need() {
    check "$@" || finish
}

# exits CODE COMMAND...
exits() {
    local wanted=$1 code=0
    shift
    "$@" || code=$?
    ((code == wanted)) || { printf 'exit code %d, not %d\n' "$code" "$wanted"; return 1; }
}

# says TEXT COMMAND...: the output has the text; the exit code does not matter.
says() {
    local wanted=$1 output
    shift
    output=$("$@" 2>&1) || true
    printf '%s\n' "$output"
    [[ "$output" == *"$wanted"* ]]
}

finish() {
    printf '%d checks, %d failed\n' "$CHECKS" "$FAILURES"
    ((FAILURES == 0 && CHECKS > 0))
    exit
}
