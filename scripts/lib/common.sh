# shellcheck shell=bash
# Shared by the project's scripts. Source it; it sets no shell option and runs
# nothing by itself.
#
# Exit codes follow the command line's own: 1 failed, 2 usage, 4 cannot reach
# what is needed, 5 internal.

[[ -n "${LBOPS_COMMON_SH:-}" ]] && return 0
LBOPS_COMMON_SH=1
LBOPS_QUIET=${LBOPS_QUIET:-0}

# paint SGR TEXT: colour only where a person is looking.
paint() {
    if [[ -t 2 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
        printf '\033[%sm%s\033[0m\n' "$1" "$2" >&2
    else
        printf '%s\n' "$2" >&2
    fi
}

log() {
    [[ "$LBOPS_QUIET" == 1 ]] || paint 2 "$*"
}

warn() {
    paint 33 "warning: $*"
}

# die CODE MESSAGE [HINT]
die() {
    paint 31 "error: $2"
    [[ -z "${3:-}" ]] || paint 0 "hint: $3"
    exit "$1"
}

repo_root() {
    (cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
}

# How many jobs to run at once; LBOPS_JOBS overrides the processor count.
jobs_count() {
    printf '%s\n' "${LBOPS_JOBS:-$(nproc)}"
}

is_root() {
    [[ "$(id -u)" == 0 ]]
}

# Where the private prefix lives. Root's home is closed to others, and the
# servers started from the prefix never run as root, so root gets a place that
# everyone can traverse.
deps_dir() {
    if [[ -n "${LBOPS_DEPS:-}" ]]; then
        realpath -ms -- "$LBOPS_DEPS"
    elif is_root; then
        printf '%s\n' /var/cache/lbops/deps
    else
        printf '%s\n' "${XDG_CACHE_HOME:-${HOME:?}/.cache}/lbops/deps"
    fi
}

# Who runs what must not run as root.
unprivileged_user() {
    if ! is_root; then
        id -un
    elif id -u postgres >/dev/null 2>&1; then
        printf '%s\n' postgres
    else
        printf '%s\n' nobody
    fi
}

# as_unprivileged COMMAND...: runs it in /, because that user may be unable to
# enter the directory we stand in; give it absolute paths.
as_unprivileged() (
    cd / || exit 5
    is_root || exec "$@"
    user=$(unprivileged_user)
    exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups \
        env HOME=/ USER="$user" LOGNAME="$user" "$@"
)

can_be_root() {
    is_root && return 0
    command -v sudo >/dev/null 2>&1 || return 1
    [[ -t 0 ]] || sudo -n true 2>/dev/null
}

as_root() {
    if is_root; then "$@"; else sudo "$@"; fi
}

# debian_release: the major version, or nothing when this is not Debian.
debian_release() (
    # shellcheck source=/dev/null
    . /etc/os-release 2>/dev/null || exit 0
    [[ "${ID:-}" == debian ]] || exit 0
    printf '%s\n' "${VERSION_ID:-}"
)
