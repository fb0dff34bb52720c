#!/usr/bin/env bash
# The program in the emulated workspace, as a platform team runs it: by the environment, by a profile, with tokens that
# end meanwhile, and with credentials in nothing that stays behind or can be looked at.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../../harness/check.sh"
EMULATOR=$SOURCE/tests/emulator/emulator.sh
"$EMULATOR" start "$WORK/emulator" --set operation_s=0 --set settle_s=0.05 >"$WORK/ready" 2>"$WORK/start" ||
    { cat "$WORK/start"; echo "skipped: the emulated workspace does not start here"; exit 77; }
trap '"$EMULATOR" stop "$WORK/emulator"; rm -rf -- "$WORK"' EXIT
eval "$("$EMULATOR" env "$WORK/emulator")"

LBOPS=$BUILD/bin/lbops
MANIFEST=$WORK/lbops.toml
LOGS=$WORK/logs
mkdir "$LOGS"
WAKE='wake = true'
export LBOPS_STATE_DIR=$WORK/state

manifest() {
    cat >"$MANIFEST" <<TOML
[workspace]
name = "test"
plugins = ["$BUILD/plugins", "$BUILD/tests/lakebase"]
[services.transport]
plugin = "transport_lakebase"
ca_file = "$LBOPS_EMULATOR_CA_FILE"
poll_ms = 20
retry_pause_ms = 20
$1
[[targets]]
project = "shop"
branch = "production"
class = "production"
$2
[[targets]]
project = "shop"
branch = "ci-*"
pattern = true
class = "throwaway"
wake = true
[agents.test]
tools = ["outlives", "needy", "example_tables", "example_vacuum"]
TOML
}

# Everything that is said is kept, to be searched at the end.
lbops() {
    "$LBOPS" -m "$MANIFEST" "$@" > >(tee -a "$LOGS/out") 2> >(tee -a "$LOGS/err" >&2)
}

emulate() {
    curl -sS --fail-with-body --cacert "$LBOPS_EMULATOR_CA_FILE" -X "$1" "$LBOPS_EMULATOR_URL/_emulator/$2" \
        -H 'Content-Type: application/json' ${3:+-d "$3"}
}

as_principal() {
    DATABRICKS_HOST=$LBOPS_EMULATOR_URL DATABRICKS_CLIENT_ID=$LBOPS_EMULATOR_CLIENT_ID \
        DATABRICKS_CLIENT_SECRET=$LBOPS_EMULATOR_CLIENT_SECRET "$@"
}

# ---- the environment, and projects by hand

manifest "" ""
need "a project is made by hand" as_principal lbops target create --project shop --version 17
check "a branch is made by hand" as_principal lbops target create ci-1 --project shop --ttl 4h
check "branches are listed" says "ci-1" as_principal lbops target ls
check "a branch is reset by hand" as_principal lbops target reset ci-1 --project shop
check "a tool runs on it" as_principal lbops run example_tables --project shop --branch ci-1
emulate POST faults '{"kind":"status","status":400,"match":{"method":"POST","path":"/branches$"}}' >/dev/null
check "a reset that cannot make it again fails" exits 1 as_principal lbops target reset ci-1 --project shop
check "and is not forgotten" says "reset it once more" as_principal lbops target ls
check "the next one goes on from there" as_principal lbops target reset ci-1 --project shop
check "and a tool runs on it again" as_principal lbops run example_tables --project shop --branch ci-1
# A person who logs in has a token of their own; the string has everything else.
log_in() {
    local token dsn=$1 endpoint=projects/shop/branches/ci-1/endpoints/primary
    token=$(curl -sS --fail-with-body --cacert "$LBOPS_EMULATOR_CA_FILE" -H "Authorization: Bearer $LBOPS_EMULATOR_PAT" \
        -H 'Content-Type: application/json' -d "{\"endpoint\":\"$endpoint\"}" \
        "$LBOPS_EMULATOR_URL/api/2.0/postgres/credentials" | jq -r .token)
    PGPASSWORD=$token PGSSLROOTCERT=$LBOPS_EMULATOR_CA_FILE psql -XAtq "$dsn" -c 'SELECT current_user, current_database()'
}
as_person() { DATABRICKS_HOST=$LBOPS_EMULATOR_URL DATABRICKS_TOKEN=$LBOPS_EMULATOR_PAT "$@"; }
check "a person gets a role on it" curl -sS --fail-with-body --cacert "$LBOPS_EMULATOR_CA_FILE" -o "$WORK/role" \
    -H "Authorization: Bearer $LBOPS_EMULATOR_PAT" -H 'Content-Type: application/json' \
    -d "{\"spec\":{\"postgres_role\":\"$LBOPS_EMULATOR_USER\",\"identity_type\":\"USER\"}}" \
    "$LBOPS_EMULATOR_URL/api/2.0/postgres/projects/shop/branches/ci-1/roles?role_id=person"
as_principal "$LBOPS" -m "$MANIFEST" target dsn ci-1 --project shop | tee -a "$LOGS/out" >"$WORK/dsn" # all of it
check "the connection string has the role, and no password" \
    grep -qE "^postgresql://$LBOPS_EMULATOR_CLIENT_ID@127[.0-9]+:5432/databricks_postgres\?sslmode=verify-full\$" "$WORK/dsn"
as_person "$LBOPS" -m "$MANIFEST" target dsn ci-1 --project shop | tee -a "$LOGS/out" >"$WORK/dsn" # all of it
check "a role's name is written as URLs are" grep -qF "://${LBOPS_EMULATOR_USER/@/%40}@" "$WORK/dsn"
check "with a token it is a way in" says "$LBOPS_EMULATOR_USER|databricks_postgres" log_in "$(<"$WORK/dsn")"
check "a branch is deleted by hand" as_principal lbops target delete ci-1 --project shop
check "it is gone then" exits 1 as_principal lbops run example_tables --project shop --branch ci-1

# ---- sleep

suspend() { emulate POST computes/suspend '{"endpoint":"projects/shop/branches/production/endpoints/primary","force":true}'; }
check "the compute sleeps" suspend
check "and is left asleep" says "the compute of shop/production is suspended" \
    as_principal lbops run example_tables --project shop --branch production
manifest "" "$WAKE"
check "the manifest may wake it" as_principal lbops run example_tables --project shop --branch production

# ---- where credentials come from

manifest "" ""
check "without credentials it says what to give" says "DATABRICKS_CLIENT_ID" lbops run example_tables --branch production
check "half a principal is refused" says "there is a client_id without a client_secret" \
    env DATABRICKS_HOST="$LBOPS_EMULATOR_URL" DATABRICKS_CLIENT_ID=x "$LBOPS" -m "$MANIFEST" run example_tables --branch production
check "two ways at once are refused" says "more than one authorization method configured" \
    as_principal env DATABRICKS_TOKEN=dapi-planted "$LBOPS" -m "$MANIFEST" run example_tables --branch production
(umask 077 && cat >"$WORK/profiles" <<INI
[ops]
host = $LBOPS_EMULATOR_URL
client_id = $LBOPS_EMULATOR_CLIENT_ID
client_secret = $LBOPS_EMULATOR_CLIENT_SECRET
INI
)
manifest "profile = \"ops\"
config_file = \"$WORK/profiles\"" "$WAKE"
check "a profile will do" lbops run example_tables --project shop --branch production
check "others may not read it" chmod 0644 "$WORK/profiles"
check "a profile that others can read is refused" says "others have access to what is secret" \
    lbops run example_tables --project shop --branch production
printf '%s' "planted-static-password" >"$WORK/password"
chmod 0600 "$WORK/password"
manifest 'password = { secret = "pw" }' "[secrets]
pw = { file = \"$WORK/password\" }"
check "a static password is refused, with the reason" says "a static database password is refused: it would never expire" \
    as_principal lbops run example_tables --project shop --branch production

# ---- what each branch lacks

manifest "" "$WAKE"
check "a second branch is made" as_principal lbops target create ci-2 --project shop --ttl 4h
as_principal "$LBOPS" -m "$MANIFEST" --json check --online 2>"$WORK/output" | tee -a "$LOGS/out" >"$WORK/online"
check "every branch is looked at" jq -e '.online.targets | map(.branch) | sort == ["ci-2", "production"]' "$WORK/online"
lacks() {
    jq -e --arg need "$1" --arg advice "$2" '[.online.targets[] | select(.branch == "production" and .status == "ok") | .lacks[] |
        select(.need == $need and (.advice | contains($advice)) and .tools == ["needy"])] | length == 1' "$WORK/online"
}
check "an extension that could be made is missed" lacks "extension pg_trgm" "CREATE EXTENSION pg_trgm"
check "one that nobody offers, too" lacks "extension no_such_extension" "does not offer it"
check "and a version to come" lacks "version 99" "it is 17"
check "what is there is not missed" jq -e '[.online.targets[].lacks[].need] | index("version 16") == null' "$WORK/online"
cat "$WORK/online" >>"$LOGS/out"
check "people read the same" says "which limits needy" as_principal lbops check --online
suspend >/dev/null
manifest "" ""
check "what sleeps is not looked at, and no failure" exits 0 as_principal lbops check --online
check "which is said" says "shop/production: not looked at: the compute of shop/production is suspended" \
    as_principal lbops check --online
check "a workspace that nobody can enter is a failure" exits 1 env DATABRICKS_HOST="$LBOPS_EMULATOR_URL" DATABRICKS_TOKEN=dapi-planted \
    "$LBOPS" -m "$MANIFEST" check --online
manifest "retry_budget_s = 1" ""
check "and one that is not there cannot be reached" exits 4 env DATABRICKS_HOST=http://127.0.0.1:1 DATABRICKS_TOKEN=dapi-planted \
    "$LBOPS" -m "$MANIFEST" check --online
check "the second branch goes" as_principal lbops target delete ci-2 --project shop

# ---- a certificate of somebody else

manifest "" "$WAKE"
emulate POST faults '{"kind":"pg_wrong_host","count":0,"match":{"path":"production"}}' >/dev/null
check "a certificate of the wrong host is refused" says "does not match host name" \
    as_principal lbops run example_tables --project shop --branch production
check "which is a target that cannot be reached" exits 4 \
    as_principal lbops run example_tables --project shop --branch production
emulate DELETE faults >/dev/null

# ---- a run that outlives its tokens, and what can be seen meanwhile

# Every process of the run, and what the system tells about it. The first one has been given the secrets in its
# environment; its children are not to have them.
watch_run() {
    local pid=$1 child
    { tr '\0' '\n' <"/proc/$pid/cmdline"; } >>"$LOGS/cmdline" 2>/dev/null
    for child in $(pgrep -P "$pid"); do
        watch_run "$child"
        [[ "$(readlink "/proc/$pid/exe")" != */lbops ]] ||
            { tr '\0' '\n' <"/proc/$child/environ"; grep 'Max core file size' "/proc/$child/limits"; } >>"$LOGS/worker" 2>/dev/null
    done
}

long_run() {
    as_principal "$LBOPS" -m "$MANIFEST" --json run outlives --project shop --branch production --seconds 6 \
        >"$LOGS/long" 2>>"$LOGS/err" &
    RUN_PID=$!
    for _ in 1 2 3 4; do
        sleep 1.2
        watch_run "$RUN_PID"
        emulate POST computes/terminate '{"endpoint":"projects/shop/branches/production/endpoints/primary"}' >/dev/null
    done
    wait "$RUN_PID" && cat "$LOGS/long"
}

emulate PATCH settings '{"token_s":2,"credential_s":2}' >/dev/null
emulate DELETE requests >/dev/null
check "a run that outlives its tokens finishes" long_run
check "with its result" jq -e '.status == "ok" and .result.steps > 20' "$LOGS/long"
asked() { (($(emulate GET "requests?method=POST&path=$1" | jq '.requests | length') >= $2)); }
check "for which it got several workspace tokens" asked oidc 3
check "and several credentials" asked credentials 2
check "workers were seen" grep -q 'Max core file size' "$LOGS/worker"
check "whose core files are off" bash -c '! grep "Max core file size" "$1" | grep -v " 0  "' _ "$LOGS/worker"

# ---- no credential anywhere

# JSON web tokens begin with eyJ; the basic header is the base64 of id and secret.
BASIC=$(printf '%s:%s' "$LBOPS_EMULATOR_CLIENT_ID" "$LBOPS_EMULATOR_CLIENT_SECRET" | base64 -w0)
searched() { [[ -s "$LOGS/long" && -s "$LOGS/cmdline" && -n "$(find "$WORK/state" -type f -print -quit)" ]]; }
check "there is something to search" searched
for planted in "$LBOPS_EMULATOR_CLIENT_SECRET" "$LBOPS_EMULATOR_PAT" eyJ "${BASIC:0:40}" dapi-planted planted-static-password; do
    check "nothing that stays has ${planted:0:4}..." bash -c '! grep -rlaF -- "$1" "$2" "$3"' _ "$planted" "$LOGS" "$WORK/state"
done
finish
