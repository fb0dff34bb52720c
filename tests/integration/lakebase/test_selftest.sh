#!/usr/bin/env bash
# The self-test in the emulated workspace: what it makes is gone afterwards, however it ended.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../../harness/check.sh"
EMULATOR=$SOURCE/tests/emulator/emulator.sh
"$EMULATOR" start "$WORK/emulator" --set operation_s=0 --set settle_s=0.05 >"$WORK/ready" 2>"$WORK/start" ||
    { cat "$WORK/start"; echo "skipped: the emulated workspace does not start here"; exit 77; }
trap '"$EMULATOR" stop "$WORK/emulator"; rm -rf -- "$WORK"' EXIT
eval "$("$EMULATOR" env "$WORK/emulator")"

LBOPS=$BUILD/bin/lbops
MANIFEST=$WORK/lbops.toml
export LBOPS_STATE_DIR=$WORK/state DATABRICKS_HOST=$LBOPS_EMULATOR_URL

manifest() {
    cat >"$MANIFEST" <<TOML
[workspace]
name = "test"
plugins = ["$BUILD/plugins"]
[services.transport]
$1
${2:-}
TOML
}

of_lakebase() {
    manifest "plugin = \"transport_lakebase\"
ca_file = \"$LBOPS_EMULATOR_CA_FILE\"
poll_ms = 20
retry_pause_ms = 20" "${1:-}"
}

emulate() {
    curl -sS --fail-with-body --cacert "$LBOPS_EMULATOR_CA_FILE" -X "$1" "$LBOPS_EMULATOR_URL/_emulator/$2" \
        -H 'Content-Type: application/json' ${3:+-d "$3"}
}

workspace() {
    curl -sS --fail-with-body --cacert "$LBOPS_EMULATOR_CA_FILE" -H "Authorization: Bearer $LBOPS_EMULATOR_PAT" \
        "$LBOPS_EMULATOR_URL/api/2.0/postgres/$1"
}

as_principal() {
    DATABRICKS_CLIENT_ID=$LBOPS_EMULATOR_CLIENT_ID DATABRICKS_CLIENT_SECRET=$LBOPS_EMULATOR_CLIENT_SECRET \
        "$LBOPS" -m "$MANIFEST" "$@"
}

with_token() {
    DATABRICKS_TOKEN=$LBOPS_EMULATOR_PAT "$LBOPS" -m "$MANIFEST" "$@"
}

# keeps CODE COMMAND...: its document, whose exit code is that.
keeps() {
    local wanted=$1 code=0
    shift
    "$@" >"$WORK/document" 2>"$WORK/said" || code=$?
    cat "$WORK/document" "$WORK/said"
    ((code == wanted)) || { echo "exit code $code, not $wanted"; return 1; }
    cat "$WORK/document" >>"$WORK/documents"
}

document() { jq -e "$1" "$WORK/document"; }

# Neither a project nor a branch of a self-test, deleted softly or not.
nothing_left() {
    workspace "projects?show_deleted=true" | jq -e '[.projects[]?.project_id | select(startswith("lbops-selftest"))] == []' &&
        workspace "projects/shop/branches?show_deleted=true" |
        jq -e '[.branches[]?.name | select(contains("lbops-selftest"))] == [] and (.branches | length) == 1'
}

# ---- a workspace that is well

of_lakebase "[services.delta]
plugin = \"delta_databricks\"
ca_file = \"$LBOPS_EMULATOR_CA_FILE\"
warehouse_id = \"$LBOPS_EMULATOR_WAREHOUSE_ID\"
poll_ms = 10"
need "somebody has a project" as_principal target create --project shop
check "all steps are fine" keeps 0 as_principal --json selftest --online
check "each of them is told" document '[.steps[].step] ==
    ["token", "projects", "project", "branch", "endpoint", "session", "table", "lakehouse", "history",
     "clean-up"] and
    all(.steps[]; .status == "ok" and .duration_ms >= 0 and (.detail | length) > 0)'
check "the document is one, and says so" document '.ok and .left == [] and (.project | startswith("lbops-selftest-"))'
check "its audit log went to the history" document '.steps[] | select(.step == "history") | .detail | test("; [1-9][0-9]* entries")'
check "nothing is left of it" nothing_left
of_lakebase
check "people read the same" says "ok, nothing is left behind" as_principal selftest --online --project shop
check "nothing is left of that" nothing_left
check "a project that is there will do" keeps 0 as_principal --json selftest --online --project shop
check "then no project is made" document '.project == "shop" and (.branch | startswith("lbops-selftest-")) and
    (.steps[] | select(.step == "project").detail | contains("nothing but a branch"))'
check "nothing is left in it" nothing_left

# ---- what fails

emulate POST faults '{"kind":"operation_fail","match":{"method":"CREATE","path":"branches/lbops-selftest"}}' >/dev/null
check "an operation that fails is told" keeps 1 as_principal --json selftest --online
check "as the step that it was" document '(.steps[] | select(.status == "failed").step) == "branch" and
    (.steps[] | select(.step == "session").status) == "skipped" and (.ok | not) and .left == []'
check "and what was made is gone" nothing_left
emulate POST faults '{"kind":"pg_wrong_host","count":0,"match":{"path":"lbops-selftest"}}' >/dev/null
check "a server by a wrong name is not talked to" keeps 4 as_principal --json selftest --online --project shop
check "which is the step of the session" document '(.steps[] | select(.status == "failed")) |
    .step == "session" and (.detail | contains("does not match host name"))'
check "that branch is gone, too" nothing_left
emulate DELETE faults >/dev/null

# ---- Ctrl-C

interrupt() {
    local pid code=0 since=$SECONDS
    DATABRICKS_CLIENT_ID=$LBOPS_EMULATOR_CLIENT_ID DATABRICKS_CLIENT_SECRET=$LBOPS_EMULATOR_CLIENT_SECRET \
        "$LBOPS" -m "$MANIFEST" --json selftest --online >"$WORK/document" 2>"$WORK/said" &
    pid=$!
    until emulate GET 'requests?method=POST&path=/branches$' | jq -e '.requests | length > 0' >/dev/null; do
        ((SECONDS - since < 60)) || { echo "it comes to no branch"; return 1; }
        sleep 0.1
    done
    kill -INT "$pid"
    until emulate POST operations/release >/dev/null && ! kill -0 "$pid" 2>/dev/null; do
        ((SECONDS - since < 120)) || { echo "it does not end"; return 1; }
        sleep 0.1
    done
    wait "$pid" || code=$?
    cat "$WORK/document" "$WORK/said"
    ((code == 1))
}
emulate DELETE requests >/dev/null
emulate POST faults '{"kind":"operation_hang","match":{"method":"CREATE","path":"branches/lbops-selftest"}}' >/dev/null
check "Ctrl-C ends it" interrupt
check "after the clean-up" document '.steps[-1] | .step == "clean-up" and .status == "ok"'
check "and nothing is left" nothing_left
emulate DELETE faults >/dev/null

# ---- what may not be done, and what cannot be taken away

of_lakebase '[[gate]]
tool = "lbops_selftest"
effect = "additive"
decision = "refuse"'
check "a rule of the manifest holds for it, too" keeps 3 as_principal --json selftest --online
check "as the step that it is about" document '(.steps[] | select(.status == "failed").step) == "project" and .left == []'
of_lakebase

emulate POST faults '{"kind":"status","status":403,"error_code":"PERMISSION_DENIED","message":"not you","count":0,
    "match":{"method":"DELETE","path":"/projects/"}}' >/dev/null
check "what cannot be deleted is told" keeps 1 as_principal --json selftest --online --project shop
check "by its name" document '.left == ["shop/" + .branch] and (.ok | not) and .steps[-1].step == "clean-up" and
    .steps[-1].status == "failed"'
emulate DELETE faults >/dev/null
left=$(jq -r .branch "$WORK/document")
check "it ends by itself" emulate POST clock '{"advance_s":4000}'
check "within the hour" exits 22 workspace "projects/shop/branches/$left/endpoints/primary"

emulate POST faults '{"kind":"status","status":403,"error_code":"PERMISSION_DENIED","message":"not you","count":0,
    "match":{"method":"POST","path":"/projects"}}' >/dev/null
check "who may not make anything is told" keeps 1 as_principal --json selftest --online
check "and that nothing was made" document '(.steps[] | select(.status == "failed") | .step) == "project" and .left == [] and
    all(.steps[]; .step != "clean-up")'
check "nor a branch" keeps 1 as_principal --json selftest --online --project shop
check "which leaves nothing, either" document '(.steps[] | select(.status == "failed") | .step) == "branch" and .left == []'
emulate DELETE faults >/dev/null

# ---- who is not let in, and where there is nothing to try

emulate POST tokens/revoke '{"kind":"pat"}' >/dev/null
check "a token that was revoked is told" keeps 1 with_token --json selftest --online
check "at once, and nothing was made" document '.steps[0].step == "token" and .steps[0].status == "failed" and
    (.steps[0].detail | length) > 0 and .left == [] and all(.steps[]; .step != "clean-up")'
check "it says what it does" exits 2 as_principal selftest
check "and knows its options" exits 2 as_principal selftest --online --nonsense
manifest "plugin = \"transport_mock\"
fixtures = \"$SOURCE/etc/fixtures/mock\""
check "fixtures are no workspace" says "transport_mock has no workspace to try" as_principal selftest --online
check "which is a failure" exits 1 as_principal selftest --online
manifest 'plugin = "transport_local"
dsn = { secret = "server" }' '[secrets]
server = { env = "NO_SERVER" }'
export NO_SERVER=postgresql://nobody@127.0.0.1:1/nothing
check "a given server takes no project" says "give --project" as_principal selftest --online
finish
