#!/usr/bin/env bash
# Private Postgres servers for tests.
#
#   pg.sh start VERSION DIR     starts one and prints its URL; when DIR has one
#                               that runs already, prints that one's
#   pg.sh stop DIR [VERSION]    stops those of DIR, by their own processes
#   pg.sh url DIR [VERSION]     prints the URL of the one that runs there
#   pg.sh bin VERSION           prints the folder of its programs
#   pg.sh versions              prints the versions that suites are run with:
#                               those of LBOPS_PG (15 17) that are there
#
# Sourced, it gives pg_start, pg_stop, pg_url, pg_bin and pg_versions, with the
# same arguments. DIR gets a marker pgVERSION.server (name=value lines: pid,
# port, url, socket, data ...) and, after the stop, the log pgVERSION.log. The
# data live under TMPDIR: a server never runs as root, and the user it runs as
# may be unable to enter a clone.
#
# Servers copied from the template share a system identifier. LBOPS_PG_TEMPLATE=0
# makes one of its own, for tests that tell servers apart by it.

PG_HARNESS_DIR=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/lib/common.sh
. "$PG_HARNESS_DIR/../../scripts/lib/common.sh"

# What suites are run with. 16 and 18 (which scripts/setup gets where it can) can always be started by name; suites take
# them when LBOPS_PG lists them, since each version costs its share of every suite.
read -ra PG_KNOWN_VERSIONS <<<"${LBOPS_PG:-15 17}"
# Changes when the way a template is made does.
PG_TEMPLATE_RECIPE=1

# pg_bin VERSION: an installed server first, then the private prefix.
pg_bin() {
    local dir deps
    deps=$(deps_dir)
    for dir in "/usr/lib/postgresql/$1/bin" "$deps/pg$1/bin" "$deps/extra/pg$1/bin"; do
        if [[ -x "$dir/postgres" && -x "$dir/initdb" && -x "$dir/pg_ctl" ]]; then
            printf '%s\n' "$dir"
            return 0
        fi
    done
    return 1
}

pg_versions() {
    local version
    for version in "${PG_KNOWN_VERSIONS[@]}"; do
        if pg_bin "$version" >/dev/null; then printf '%s\n' "$version"; fi
    done
}

# A server's world is empty but for this: the caller's PG* variables, locale and
# preloaded sanitizers are not its business.
pg_exec() {
    as_unprivileged env -i PATH=/usr/bin:/bin HOME=/ LC_ALL=C.UTF-8 TZ=UTC "$@"
}

# A descriptor that a server inherits stays open as long as it runs: a pipe that
# the caller waits on, or a lock.
pg_close_inherited() {
    local fd
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        if ((fd > 2)); then exec {fd}>&-; fi
    done
}

# ---- data directories --------------------------------------------------------

# pg_own_dir PATH: an empty directory that belongs to the server's user.
pg_own_dir() {
    mkdir -m 0700 -- "$1" || return 1
    if is_root; then chown -- "$(unprivileged_user):" "$1"; fi
}

pg_initdb() {
    pg_own_dir "$2" || return 1
    if ! pg_exec "$1/initdb" -D "$2" -U postgres -A trust --encoding=UTF8 \
        --locale=C.UTF-8 --no-sync --no-instructions >"$2.initdb.log" 2>&1; then
        cat "$2.initdb.log" >&2
        return 1
    fi
    rm -f -- "$2.initdb.log"
}

# The name says everything that the content depends on.
pg_template_path() {
    local build
    build=$(pg_exec "$1/postgres" --version | tr -cs 'A-Za-z0-9.\n' '-')
    printf '%s/templates/%s-%s-%s\n' "$(deps_dir)" "$build" "$(unprivileged_user)" "$PG_TEMPLATE_RECIPE"
}

# pg_template BINDIR: prints a template's path, made if need be; fails where
# none can be kept. Whoever comes second to make one throws theirs away.
pg_template() {
    local bindir=$1 path new
    path=$(pg_template_path "$bindir") || return 1
    if [[ ! -d "$path" ]]; then
        (umask 022 && mkdir -p -- "${path%/*}") 2>/dev/null || return 1
        # What a killed run left; making one takes a second.
        find "${path%/*}" -maxdepth 1 -name '.new.*' -mmin +60 -exec rm -rf -- {} +
        new=$(mktemp -d "${path%/*}/.new.XXXXXX" 2>/dev/null) || return 1
        # mktemp closes it to the server's user.
        chmod 0755 "$new"
        if ! pg_initdb "$bindir" "$new/data" || ! mv -T -- "$new/data" "$path" 2>/dev/null; then
            rm -rf -- "$new"
            [[ -d "$path" ]] || return 1
        fi
        rm -rf -- "$new"
    fi
    printf '%s\n' "$path"
}

pg_make_data() {
    local bindir=$1 data=$2 template
    if [[ "${LBOPS_PG_TEMPLATE:-1}" != 0 ]] && template=$(pg_template "$bindir"); then
        cp -a --reflink=auto -- "$template" "$data"
    else
        pg_initdb "$bindir" "$data"
    fi
}

# A server's home: reachable by its user, and short enough that the socket's
# path fits into the 107 bytes that the system allows.
pg_make_home() {
    local base home
    for base in "${TMPDIR:-/tmp}" /tmp; do
        home=$(mktemp -d "$base/lbops-pg$1.XXXXXX") || continue
        if is_root; then chown -- "$(unprivileged_user):" "$home"; fi
        if ((${#home} < 90)) && as_unprivileged test -w "$home"; then
            printf '%s\n' "$home"
            return 0
        fi
        rmdir -- "$home"
    done
    return 1
}

# ---- starting and stopping ---------------------------------------------------

# Safety of the data is nobody's concern here; every value can be overridden in
# postgresql.auto.conf by ALTER SYSTEM.
pg_write_conf() {
    local data=$1 socket=$2 port=$3
    cat >"$data/harness.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$socket'
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.max = ${PG_STATEMENTS:-5000}
fsync = off
synchronous_commit = off
full_page_writes = off
jit = off
shared_buffers = 32MB
max_prepared_transactions = 8
wal_level = logical
log_line_prefix = '%m [%p] %q%u@%d '
timezone = 'UTC'
log_timezone = 'UTC'
CONF
    chmod 0644 "$data/harness.conf"
    grep -qx "include 'harness.conf'" "$data/postgresql.conf" ||
        printf "include 'harness.conf'\n" >>"$data/postgresql.conf"
}

# The pid file's first line, when that process stands in that data directory: a
# number alone may belong to somebody else by now.
pg_live_pid() {
    local pid
    pid=$(head -n 1 -- "$1/postmaster.pid" 2>/dev/null) || return 1
    [[ "$pid" =~ ^[0-9]+$ && "$(readlink "/proc/$pid/cwd")" == "$(realpath -- "$1")" ]] || return 1
    printf '%s\n' "$pid"
}

pg_ctl_start() (
    pg_close_inherited
    pg_exec "$1/pg_ctl" -D "$2/data" -l "$2/log" -w -t 60 start </dev/null >"$2/pg_ctl.log" 2>&1
)

# pg_launch BINDIR HOME: prints the port. Asking for a free port and then using
# it is a race; so the server itself tries, below the range that the system
# hands out, until it has one.
pg_launch() {
    local bindir=$1 home=$2 port
    for _ in {1..50}; do
        port=$((20000 + (RANDOM % 12000)))
        pg_write_conf "$home/data" "$home" "$port" || return 1
        : >"$home/log" && chmod 0666 "$home/log"
        if pg_ctl_start "$bindir" "$home"; then
            printf '%s\n' "$port"
            return 0
        fi
        grep -qE 'could not bind|could not create any TCP/IP sockets' "$home/log" || return 1
    done
    return 1
}

# pg_lock DIR: held until the calling subshell ends.
pg_lock() {
    local fd
    if ! exec {fd}<"$1" || ! flock "$fd"; then die 1 "cannot lock $1"; fi
}

pg_field() {
    sed -n "s/^$2=//p" "$1" 2>/dev/null
}

pg_write_marker() {
    local marker=$1 version=$2 home=$3 port=$4
    cat >"$marker.new" <<MARKER
version=$version
pid=$(pg_live_pid "$home/data")
port=$port
url=postgresql://postgres@127.0.0.1:$port/postgres
socket=$home
home=$home
data=$home/data
log=$home/log
bin=$5
MARKER
    mv -- "$marker.new" "$marker"
}

# pg_start VERSION DIR. A subshell: its lock on DIR goes with it.
pg_start() (
    version=$1
    bindir=$(pg_bin "$version") ||
        die 4 "there is no PostgreSQL $version here" "run scripts/setup; there are: $(pg_versions | paste -sd' ')"
    if ! mkdir -p -- "$2" || ! dir=$(realpath -- "$2"); then die 1 "cannot make $2"; fi
    marker=$dir/pg$version.server
    pg_lock "$dir"

    if [[ -e "$marker" ]]; then
        if pg_live_pid "$(pg_field "$marker" data)" >/dev/null; then
            pg_field "$marker" url
            exit 0
        fi
        pg_clear "$marker"
    fi
    home=$(pg_make_home "$version") || die 1 "no folder for a server" "TMPDIR or /tmp must be open to $(unprivileged_user)"
    if ! { pg_make_data "$bindir" "$home/data" && port=$(pg_launch "$bindir" "$home"); }; then
        cat "$home/pg_ctl.log" "$home/log" >&2 2>/dev/null
        rm -rf -- "$home"
        die 1 "PostgreSQL $version did not start" "its log is above"
    fi
    pg_write_marker "$marker" "$version" "$home" "$port" "$bindir"
    pg_field "$marker" url
)

# pg_clear MARKER: what a stopped server leaves, but for its log.
pg_clear() {
    local marker=$1 home
    home=$(pg_field "$marker" home)
    if [[ "${home##*/}" == lbops-pg*.?????? && -d "$home" ]]; then
        cp -- "$home/log" "${marker%.server}.log" 2>/dev/null || true
        rm -rf -- "$home"
    fi
    rm -f -- "$marker"
}

pg_stop_one() {
    local marker=$1 data bindir
    data=$(pg_field "$marker" data)
    bindir=$(pg_field "$marker" bin)
    if pg_live_pid "$data" >/dev/null; then
        pg_exec "$bindir/pg_ctl" -D "$data" -m fast -w -t 30 stop >/dev/null 2>&1 ||
            pg_exec "$bindir/pg_ctl" -D "$data" -m immediate -w -t 30 stop >/dev/null 2>&1 ||
            { warn "the server in $data does not stop"; return 1; }
    fi
    pg_clear "$marker"
}

# pg_stop DIR [VERSION]. Nothing to stop is no failure.
pg_stop() (
    dir=$(realpath -e -- "$1" 2>/dev/null) || exit 0
    pg_lock "$dir"
    status=0
    for marker in "$dir"/pg${2:-*}.server; do
        if [[ -e "$marker" ]]; then pg_stop_one "$marker" || status=1; fi
    done
    exit "$status"
)

pg_url() {
    local marker
    for marker in "$1"/pg${2:-*}.server; do
        if [[ -e "$marker" ]] && pg_live_pid "$(pg_field "$marker" data)" >/dev/null; then
            pg_field "$marker" url
            return 0
        fi
    done
    return 1
}

pg_usage() {
    sed -n '/^# *pg\.sh start/,/^# *pg\.sh versions/s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

pg_main() {
    local verb=${1:-} low=1 high=2
    shift || true
    case "$verb" in
        start) low=2 ;;
        bin) high=1 ;;
        versions) low=0 high=0 ;;
        stop | url) ;;
        *) pg_usage ;;
    esac
    (($# >= low && $# <= high)) || pg_usage
    "pg_$verb" "$@"
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
    set -euo pipefail
    pg_main "$@"
fi
