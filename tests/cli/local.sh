#!/usr/bin/env bash
# A machine with no database: etc/local.toml makes a cluster, and lbops target works on it. On each version there is.
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"
# shellcheck source=tests/harness/pg.sh
. "$SOURCE/tests/harness/pg.sh"

LBOPS=$BUILD/bin/lbops

# The shipped manifest, with a version, and servers that do not stay for a minute.
manifest() {
    mkdir -p "$WORK/$1"
    sed "s/^projects = .*/&\nversion = $1\nlinger_s = 1/; s/^state_dir = .*/state_dir = \"state\"/" \
        "$SOURCE/etc/local.toml" >"$WORK/$1/local.toml"
}

local_lbops() {
    "$LBOPS" -m "$WORK/$version/local.toml" "$@"
}

branches() {
    local_lbops --json target ls | jq -r "[.result.targets[] | select($1)] | length"
}

is() {
    [[ "$(eval "$2")" == "$1" ]] || { printf '%s: <%s>, not <%s>\n' "$2" "$(eval "$2")" "$1"; return 1; }
}

# Whoever holds a lock still keeps a branch.
nobody_left() {
    local lock
    for _ in {1..300}; do
        for lock in "$WORK/$version"/state/local/branches/*/*/lock; do
            [[ ! -e "$lock" ]] || flock -n "$lock" true || { sleep 0.1; continue 2; }
        done
        return 0
    done
    return 1
}

sql() {
    "$(pg_bin "$version")/psql" -XAtq "$(local_lbops target dsn "$1")" -c "$2"
}

ten_in_a_row() {
    local before after
    before=$(find "$WORK/$version/state/local/branches" -name postmaster.pid -exec head -1 {} +)
    for _ in {1..10}; do local_lbops run example_tables --branch production >/dev/null || return 1; done
    after=$(find "$WORK/$version/state/local/branches" -name postmaster.pid -exec head -1 {} +)
    [[ -n "$before" && "$before" == "$after" ]]
}

# What history says of a branch: what became of it, its source, and that it had an end.
life_of() {
    cat "$WORK/$version"/state/outbox/branch_lifecycle/*.ndjson |
        jq -r "select(.branch_id == \"$1\" and .branch_uid) | \"\(.event_type) \(.source_branch) \(.expires_at != null)\"" | paste -sd,
}

# A second manifest on the same cluster, which may wake what sleeps there.
wake_manifest() {
    sed '/branch = "ci-\*"/,/^class/s/^class.*/&\nwake = true/' "$WORK/$version/local.toml" >"$WORK/$version/wake.toml"
}

# As its keeper does it, under the project's lock, without waiting for a timeout.
put_to_sleep() {
    local file=$WORK/$version/state/local/projects/dev lock
    exec {lock}>>"$file.lock" && flock "$lock" &&
        jq -c '(.branches[] | select(.branch.branch_id == "ci-1") | .endpoints[0].status.current_state) = "IDLE"' \
            "$file.json" >"$file.new" && mv "$file.new" "$file.json"
    exec {lock}>&-
}

# What a reset leaves that was killed between deleting and creating.
cut_reset_short() {
    local_lbops target create ci-cut --ttl 1h &&
        local_lbops target delete ci-cut &&
        mkdir -p "$WORK/$version/state/resets" &&
        printf '%s' '{"name":"projects/dev/branches/ci-cut","uid":"br-x","branch":{"source_branch":"projects/dev/branches/production","no_expiry":true},"endpoint":{}}' \
            >"$WORK/$version/state/resets/dev.ci-cut.json"
}

# A clone that lies as deep as people's do: the path of a socket there is longer than one may be.
deep_is_reached() {
    local deep
    deep="$WORK/a state directory/that lies deep below/the home of somebody/who keeps things in order"
    mkdir -p "$deep" && cp "$WORK/$version/local.toml" "$deep/local.toml"
    is 7 "'$(pg_bin "$version")/psql' -XAtq \"\$('$LBOPS' -m '$deep/local.toml' target dsn production --wake)\" -c 'SELECT 7'"
}

# The short names go with what they are names of, or with the next one that is made.
short_names_end() {
    local deep=$WORK/'a state directory' short
    short=/tmp/lbops-$(id -u)
    ln -sfn "$deep/gone" "$short/0000000000000000"
    "$LBOPS" -m "$deep"/*/*/*/local.toml target create ci-1 --ttl 1h &&
        "$LBOPS" -m "$deep"/*/*/*/local.toml target dsn ci-1 --wake && [[ ! -L "$short/0000000000000000" ]] &&
        is 2 "find '$short' -lname '$deep/*' | wc -l" &&
        "$LBOPS" -m "$deep"/*/*/*/local.toml target delete ci-1 && is 1 "find '$short' -lname '$deep/*' | wc -l"
}

for version in $(pg_versions); do
    manifest "$version"
    if [[ ! -d "$WORK/a state directory" ]]; then
        check "$version: a socket whose path is too long is reached by a short one" deep_is_reached
        check "$version: which ends with it" short_names_end
    fi
    need "$version: the shipped manifest is in order" local_lbops check
    need "$version: a tool runs on a machine without a database" \
        says 'example_tables on dev/production: ok' local_lbops run example_tables --branch production
    check "$version: the version is the wanted one" is "$version" 'sql production "SELECT current_setting('"'server_version_num'"')::int / 10000"'
    check "$version: ten runs in a row share one server" ten_in_a_row
    check "$version: a branch needs to know how long it lives" exits 2 local_lbops target create ci-1
    check "$version: a name that is none is said before that" says "\"Bad Name\" cannot be the name of a branch" local_lbops target create "Bad Name"
    check "$version: a plan makes nothing" local_lbops target create ci-1 --ttl 1h --plan
    check "$version: so far there is one" is 1 'branches true'
    check "$version: create" says 'applied   additive    POST projects/dev/branches?branch_id=ci-1' local_lbops target create ci-1 --ttl 1h
    check "$version: ls shows it" says 'dev/ci-1' local_lbops target ls
    check "$version: it expires" is 1 'branches ".branch == \"ci-1\" and .expire_time != null"'
    check "$version: dsn is a way in" is 7 'sql ci-1 "CREATE TABLE t (n int); INSERT INTO t VALUES (7); SELECT n FROM t"'
    check "$version: a tool runs there" says 'example_vacuum on dev/ci-1: ok' local_lbops run example_vacuum --branch ci-1 --table t
    check "$version: reset makes it anew" local_lbops target reset ci-1
    check "$version: what was in it is gone" is '' 'sql ci-1 "SELECT to_regclass('"'t'"')"'
    check "$version: it still expires" is 1 'branches ".branch == \"ci-1\" and .expire_time != null"'
    check "$version: nothing is left of the reset" is 0 'ls "$WORK/$version/state/resets" | wc -l'
    check "$version: the record of a compute that sleeps" put_to_sleep
    check "$version: a run leaves it asleep" says 'example_tables on dev/ci-1: skipped' local_lbops run example_tables --branch ci-1
    check "$version: so does dsn" says 'is suspended' local_lbops target dsn ci-1
    wake_manifest
    check "$version: unless the manifest lets it be woken" says 'example_tables on dev/ci-1: ok' \
        "$LBOPS" -m "$WORK/$version/wake.toml" run example_tables --branch ci-1
    check "$version: it is awake" is 1 'branches ".branch == \"ci-1\" and .compute == \"ACTIVE\""'
    check "$version: delete" says 'applied   destructive DELETE projects/dev/branches/ci-1?purge=true' local_lbops target delete ci-1
    check "$version: it is gone" exits 1 local_lbops target delete ci-1
    check "$version: production asks first" says 'local.toml approve 01' local_lbops target delete production
    check "$version: a shared branch is loosened by the manifest" local_lbops target create shared-1 --keep
    check "$version: and goes, of which others hear" says '"type":"branch.deleted"' local_lbops --json target delete shared-1
    check "$version: a life by hand is history" is "created production true,deleted production true" 'life_of ci-1'
    need "$version: a reset that was cut short" cut_reset_short
    check "$version: is seen" says 'projects/dev/branches/ci-cut is missing' local_lbops target ls
    check "$version: and gone on with" says 'reset dev/ci-cut: create it' local_lbops target reset ci-cut
    check "$version: to its end" is 1 'branches ".branch == \"ci-cut\" and .state == \"READY\""'
    check "$version: with no trace" is 0 'ls "$WORK/$version/state/resets" | wc -l'
    check "$version: the audit log has the deletions" says 'DELETE projects/dev/branches/ci-1' \
        cat "$WORK/$version"/state/outbox/audit_log/*
    check "$version: no server outlives its users" nobody_left
done
finish
