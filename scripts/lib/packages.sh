# shellcheck shell=bash
# The packages that building and testing need, and how they get installed.
# Source common.sh first.

# One list for both releases, then what differs between them. The compilers of
# Debian 12 carry their version in the name so that the format stays one format.
packages_wanted() {
    printf '%s\n' \
        build-essential cmake ninja-build pkg-config \
        libpq-dev libssl-dev libcurl4-openssl-dev libjson-c-dev libev-dev libcunit1-dev \
        libsqlite3-dev libtomlplusplus-dev libseccomp-dev libsystemd-dev \
        patchelf jq mmdebstrap shellcheck openssl python3 python3-venv tzdata ca-certificates git
    packages_unless_there npm npm
    packages_unless_there mvn maven
    packages_unless_there java default-jre-headless
    packages_unless_there chromium chromium
    case "$1" in
        12) printf '%s\n' \
            clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev \
            postgresql-15 postgresql-15-hypopg postgresql-client-15 ;;
        13) printf '%s\n' \
            clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev \
            postgresql-17 postgresql-17-hypopg postgresql-17-pg-qualstats \
            postgresql-client-17 libpg-query-dev ;;
    esac
}

# packages_unless_there COMMAND PACKAGE: programs that people often have from elsewhere, and that are not to come twice.
packages_unless_there() {
    command -v "$1" >/dev/null || printf '%s\n' "$2"
}

# packages_missing NAME...: those that are not installed.
packages_missing() {
    local installed
    # dpkg-query fails when one name is unknown to it, which is an answer here.
    # shellcheck disable=SC2016
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        sed -n 's/ installed$//p' | sort -u) || true
    comm -23 <(printf '%s\n' "$@" | sort -u) <(printf '%s\n' "$installed")
}

# apt_get ARG...: DPkg::Lock::Timeout waits for dpkg's lock only; the locks on
# the package lists and the archive fail at once, so those are tried again.
# A service that a package starts must not inherit our own lock (9).
apt_get() {
    local out try
    out=$(mktemp)
    for try in {1..60}; do
        if as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" </dev/null >"$out" 2>&1 9>&-; then
            rm -f "$out"
            return 0
        fi
        grep -qE 'Could not get lock|Unable to lock' "$out" || break
        ((try > 1)) || log "waiting for another package manager"
        sleep 5
    done
    tail -n 20 "$out" >&2
    rm -f "$out"
    return 1
}

# Installing a server package makes and starts a cluster unless told otherwise.
# The note is a drop-in of our own that is gone again afterwards: whoever
# installs another server later gets the usual behaviour.
NO_CLUSTER_NOTE=/etc/postgresql-common/createcluster.d/lbops-setup.conf

no_cluster_note_write() {
    as_root mkdir -p "${NO_CLUSTER_NOTE%/*}"
    printf 'create_main_cluster = false\n' | as_root tee "$NO_CLUSTER_NOTE" >/dev/null
}

no_cluster_note_remove() {
    [[ ! -e "$NO_CLUSTER_NOTE" ]] || as_root rm -f "$NO_CLUSTER_NOTE"
}

packages_install() {
    local release=$1
    local -a wanted missing
    mapfile -t wanted < <(packages_wanted "$release")
    mapfile -t missing < <(packages_missing "${wanted[@]}")
    ((${#missing[@]} > 0)) || return 0
    can_be_root || die 1 "packages are missing and this user can neither be root nor use sudo" \
        "have somebody run: apt-get install ${missing[*]}"

    log "installing ${#missing[@]} packages: ${missing[*]}"
    apt_get update || die 4 "could not update the package lists" "see the lines above"
    if printf '%s\n' "${missing[@]}" | grep -qxE 'postgresql-[0-9]+'; then
        trap no_cluster_note_remove EXIT
        no_cluster_note_write
    fi
    apt_get install --no-install-recommends --no-remove "${missing[@]}" ||
        die 4 "could not install: ${missing[*]}" "see the lines above"
    no_cluster_note_remove
    trap - EXIT
}
