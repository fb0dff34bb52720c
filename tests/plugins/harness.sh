# shellcheck shell=bash
# For tests of one tool on the mock transport. Source it, then:
#
#   runs TOOL [--PARAM VALUE ...]      one run; its document is what holds looks at
#   runs_with CODE TOOL [...]          the same, where the exit code is not 0
#   holds JQ-EXPRESSION                true of the document of the last run
#   recorded TABLE JQ-EXPRESSION       true of one of the rows that this test's runs have put into the outbox
#   finish                             the end of every test
#
# The fixtures are those of etc/fixtures/mock, the clock stands at noon of 2026-02-01, and the branch is shop/staging, a
# shared one; `BRANCH=production runs TOOL` takes another. A tool of the workspace is given none.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

export LBOPS_STATE_DIR=$WORK/state
LBOPS=$BUILD/bin/lbops
MANIFEST=$WORK/lbops.toml
RUN=$WORK/run.json
cat >"$MANIFEST" <<TOML
[workspace]
name = "test"

[services.transport]
plugin = "transport_mock"
fixtures = '$SOURCE/etc/fixtures/mock'
clock = "2026-02-01T12:00:00Z"

[[targets]]
project = "shop"
branch = "production"
class = "production"

[[targets]]
project = "shop"
branch = "staging"
class = "shared"

[[targets]]
project = "shop"
branch = "ci-pr-1"
class = "throwaway"
TOML

run_tool() {
    "$LBOPS" -m "$MANIFEST" --json run "$@" >"$RUN" 2>"$WORK/stderr" </dev/null
}

run_exits() {
    local wanted=$1
    shift
    exits "$wanted" run_tool "$@" && return 0
    cat "$RUN" "$WORK/stderr"
    return 1
}

# WHERE: the words that name the branch. A tool of the workspace takes none.
declare -A IS_OF_WORKSPACE
choose_where() {
    if [ -z "${IS_OF_WORKSPACE[$1]:-}" ]; then
        IS_OF_WORKSPACE[$1]=$("$LBOPS" -m "$MANIFEST" --json tools "$1" 2>"$WORK/stderr" </dev/null | jq .workspace)
    fi
    WHERE=(--branch "$2")
    [ "${IS_OF_WORKSPACE[$1]}" != true ] || WHERE=()
}

runs_with() {
    local code=$1 tool=$2
    shift 2
    choose_where "$tool" "${BRANCH:-staging}"
    check "$tool $* exits with $code" run_exits "$code" "$tool" "${WHERE[@]}" "$@"
}

runs() {
    runs_with 0 "$@"
}

true_of_run() {
    jq -e "$1" "$RUN" && return 0
    jq . "$RUN"
    return 1
}

holds() {
    check "$1" true_of_run "$1"
}

# The first line of an outbox file is its head.
true_of_rows() {
    cat "$LBOPS_STATE_DIR/outbox/$1"/*.ndjson | jq -c 'select(has("lbops_outbox") | not)' >"$WORK/rows"
    jq -es "any(.[]; $2)" "$WORK/rows" && return 0
    cat "$WORK/rows"
    return 1
}

recorded() {
    check "$1 has a row: $2" true_of_rows "$1" "$2"
}
