#!/usr/bin/env bash
# A Postgres server that crashes and comes back while batches are applied: none is lost, none is applied twice.
#   state_restart.sh STATE_LOOP
# shellcheck source=tests/harness/pg.sh
. "${BASH_SOURCE[0]%/*}/../harness/pg.sh"
set -euo pipefail

loop=$1
batches=600
work=$(mktemp -d)
trap 'pg_stop "$work"; rm -rf -- "$work"' EXIT

crash_and_restart() {
    local marker=$1 home bindir
    home=$(pg_field "$marker" home)
    bindir=$(pg_field "$marker" bin)
    pg_exec "$bindir/pg_ctl" -D "$home/data" -m immediate -w -t 30 stop >/dev/null
    pg_ctl_start "$bindir" "$home"
}

survives_restarts() {
    local version=$1 url line restarts=0 last=''
    url=$(pg_start "$version" "$work")
    while read -r line; do
        last=$line
        if [[ "$line" =~ ^[0-9]+$ ]] && ((line % 100 == 0 && line < batches)); then
            crash_and_restart "$work/pg$version.server"
            restarts=$((restarts + 1))
        fi
    done < <("$loop" "$url" "$batches")
    printf 'PostgreSQL %s: %d restarts, then: %s\n' "$version" "$restarts" "$last"
    [[ "$last" == whole ]] && ((restarts == 5))
}

tested=0
for version in $(pg_versions); do
    survives_restarts "$version" || exit 1
    tested=$((tested + 1))
done
((tested > 0)) || exit 77
