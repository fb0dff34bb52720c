# shellcheck shell=bash
# The Python that tests use: an environment in the private prefix with what tests/requirements.txt lists. Only running tests
# calls for it. Source common.sh first.
#
#   python/            the environment
#   python/installed   the lines of requirements that stand there; clones that share the prefix add to it

python_venv() {
    printf '%s/python\n' "$(deps_dir)"
}

# python_missing VENV REQUIREMENTS: the lines that are not there yet.
python_missing() {
    grep -vxFf <(cat -- "$1/installed" 2>/dev/null; printf '\n') -- "$2" | grep -vE '^[[:space:]]*(#|$)' || true
}

# python_base: an interpreter that is new enough and can make environments.
python_base() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$python"
            return 0
        fi
    done
    return 1
}

python_make() {
    local venv=$1 base
    if [[ -x "$venv/bin/python" ]] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then return 0; fi
    base=$(python_base) || die 2 "there is no Python 3.11 or newer that can make environments" \
        "install python3-venv, or put another python3 first in PATH"
    "$base" -m venv --clear "$venv" || die 1 "cannot make a Python environment in $venv" "the lines above say why"
}

# python_note VENV LINE...: remembers what was installed; another version of a package replaces its line.
python_note() {
    local venv=$1 names line
    shift
    names=$(for line in "$@"; do printf '%s==\n' "${line%%==*}"; done)
    {
        grep -vF "$names" -- "$venv/installed" 2>/dev/null || true
        printf '%s\n' "$@"
    } | sort -u >"$venv/installed.new"
    mv -- "$venv/installed.new" "$venv/installed"
}

# python_install: nothing is done when everything is there. Two at once wait for each other.
python_install() (
    requirements=$(repo_root)/tests/requirements.txt
    venv=$(python_venv)
    [[ -e "$requirements" ]] || return 0
    if [[ -x "$venv/bin/python" && -z "$(python_missing "$venv" "$requirements")" ]]; then return 0; fi
    mkdir -p -- "${venv%/*}" && exec 8>"${venv%/*}/python.lock" ||
        die 1 "cannot write to ${venv%/*}" "run scripts/setup, or set LBOPS_DEPS to a folder of your own"
    flock -n 8 || { log "waiting for another who installs Python packages"; flock 8; }
    python_make "$venv"
    mapfile -t missing < <(python_missing "$venv" "$requirements")
    ((${#missing[@]} > 0)) || return 0
    log "installing ${#missing[@]} Python packages: ${missing[*]}"
    out=$(mktemp)
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "${missing[@]}" \
        >"$out" 2>&1 </dev/null 8>&-; then
        tail -n 20 -- "$out" >&2
        rm -f -- "$out"
        die 4 "could not install Python packages" "the lines above say why; pip's own settings name the index"
    fi
    rm -f -- "$out"
    python_note "$venv" "${missing[@]}"
)
