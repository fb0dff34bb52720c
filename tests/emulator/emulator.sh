#!/usr/bin/env bash
# The emulated workspace for suites that are shell, or that are started from one.
#
#   emulator.sh start DIR [OPTION...]   starts it (options of emulator.py) and prints DIR/ready.json, one line of JSON
#   emulator.sh stop DIR                stops that one, by its own process
#   emulator.sh env DIR                 prints assignments that a shell can eval: LBOPS_EMULATOR_URL, ..._CA_FILE,
#                                       ..._CLIENT_ID, ..._CLIENT_SECRET, ..._PAT, ..._PG_PORT, ..._PG_HOSTADDR
#
# A script that starts one gives `--follow $$` along: then it ends with the script, also when that is killed.
#
# Sourced, it gives emulator_start, emulator_stop and emulator_env, with the same arguments. A C or Python program starts
# emulator.py itself: with --follow-parent and --ready-fd there is nothing left to stop.

EMULATOR_DIR=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/lib/common.sh
. "$EMULATOR_DIR/../../scripts/lib/common.sh"

# The server itself needs the standard library; SQL statements need what tests/requirements.txt lists.
emulator_python() {
    local venv
    venv=$(deps_dir)/python/bin/python
    if [[ -x "$venv" ]]; then printf '%s\n' "$venv"; else printf 'python3\n'; fi
}

emulator_close_inherited() {
    local fd
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        if ((fd > 2)); then exec {fd}>&-; fi
    done
}

emulator_start() (
    mkdir -p -- "$1" && dir=$(realpath -- "$1") || die 1 "cannot make $1"
    shift
    rm -f -- "$dir/ready.json"
    mkfifo -- "$dir/ready.fifo" || die 1 "cannot make a pipe in $dir"
    (
        emulator_close_inherited
        exec setsid "$(emulator_python)" "$EMULATOR_DIR/emulator.py" "$@" --ready-fd 3 3>"$dir/ready.fifo" \
            </dev/null >"$dir/log" 2>&1
    ) &
    # The pipe ends when the emulator is ready, and when it died before that.
    cat <"$dir/ready.fifo" >"$dir/ready.new"
    rm -f -- "$dir/ready.fifo"
    if [[ ! -s "$dir/ready.new" ]]; then
        cat -- "$dir/log" >&2
        die 1 "the emulator did not start" "its log is above"
    fi
    mv -- "$dir/ready.new" "$dir/ready.json"
    cat -- "$dir/ready.json"
)

emulator_field() {
    jq -r --arg name "$2" '.[$name] // empty' "$1/ready.json"
}

# A number alone may belong to somebody else by now.
emulator_stop() {
    local pid
    [[ -e "$1/ready.json" ]] || return 0
    pid=$(emulator_field "$1" pid)
    if [[ "$pid" =~ ^[0-9]+$ ]] && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -q 'emulator\.py$'; then
        kill -TERM "$pid" 2>/dev/null
        for _ in {1..600}; do
            [[ -e "/proc/$pid" ]] && [[ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)" != Z* ]] || break
            sleep 0.05
        done
        [[ ! -e "/proc/$pid" ]] || [[ "$(sed 's/.*) //' "/proc/$pid/stat")" == Z* ]] ||
            { warn "the emulator $pid does not stop"; return 1; }
    fi
    rm -f -- "$1/ready.json"
}

emulator_env() {
    jq -r 'to_entries[] | select(.value | type == "string" or type == "number")
        | "LBOPS_EMULATOR_\(.key | ascii_upcase)=\(.value | tostring | @sh)"' "$1/ready.json"
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
    set -euo pipefail
    case "${1:-}" in
        start) shift; (($# >= 1)) || exit 2; emulator_start "$@" ;;
        stop) emulator_stop "${2:?}" ;;
        env) emulator_env "${2:?}" ;;
        *) sed -n '/^#   emulator.sh start/,/^#  *\.\.\._CLIENT_ID/s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
fi
