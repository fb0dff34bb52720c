# shellcheck shell=bash
# The private prefix: what the project needs and Debian 12 does not have.
#
#   pg17/        PostgreSQL 17 with its own C library; pg17/bin has the programs
#   pg_query/    include/pg_query.h, lib/libpg_query.{a,so}, lib/pkgconfig
#   templates/   data directories that tests/harness/pg.sh copies
#   stamp        what stands here; written last, so without it nothing counts
#   lock         held while the prefix changes
#
# On Debian 12 both come from the packages of Debian 13, resolved in an apt
# state of their own and unpacked, never installed. On Debian 13 they are links
# to the installed packages. Source common.sh first.

PREFIX_RECIPE=1
PREFIX_SUITE=trixie
PREFIX_ROOTS=(postgresql-17 postgresql-client-17 postgresql-17-hypopg
    postgresql-17-pg-qualstats libpg-query-dev)
# Wanted by maintainer scripts or the JIT, neither of which runs here.
PREFIX_SKIP='-perl$|^libperl|^postgresql-common|^postgresql-client-common'
PREFIX_SKIP+='|^libllvm|^libz3|^libpam-modules|^libsemanage|^libsepol|^libgdbm|^libdb5|^libproc2|^libncurses|^libc-bin|^libc-l10n|^libdebconf'

prefix_stamp() {
    printf 'recipe %s, Debian %s %s, at %s, %s: %s\n' "$PREFIX_RECIPE" "$1" \
        "$(dpkg --print-architecture)" "$2" "$PREFIX_SUITE" "${PREFIX_ROOTS[*]}"
}

prefix_is_current() {
    [[ -r "$2/stamp" && "$(<"$2/stamp")" == "$(prefix_stamp "$1" "$2")" ]]
}

# A name in an rpath cannot hold ':' and '$' means something else there.
prefix_check_path() {
    [[ "$1" != *[:\$]* && "$1" != *$'\n'* ]] ||
        die 2 "the folder for dependencies cannot have ':' or '\$' in its name: $1" \
            "set LBOPS_DEPS to another one"
}

prefix_check_reach() {
    as_unprivileged test -x "$1" ||
        die 2 "the user '$(unprivileged_user)', who runs the test servers, cannot enter $1" \
            "set LBOPS_DEPS to a folder that others can traverse"
}

# ---- an apt state of its own -------------------------------------------------

# apt_targets [OPTION]: with package lists on disk, apt knows whose they are;
# without them it still knows what is configured, when told --no-release-info.
apt_targets() {
    # shellcheck disable=SC2016
    apt-get indextargets "$@" --format '$(ORIGIN)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)' \
        'Identifier: Packages'
}

# The machine's own Debian mirrors, those known to be Debian's first. Asked of
# apt at run time: what the machine uses is right, and no address stands in a
# file of ours.
apt_mirrors() {
    local codename=$1
    { apt_targets && apt_targets --no-release-info; } |
        awk -F'|' -v c="$codename" '
            $4 ~ /^cdrom:/ || $3 != "main" { next }
            $2 == c || $2 == "stable" || $2 == "oldstable" { print ($1 == "Debian" ? 0 : 1) " " $4 }' |
        sort -s -k1,1 | cut -d' ' -f2- | awk '!seen[$0]++'
}

trixie_apt() {
    local tool=$1 state=$2
    shift 2
    LC_ALL=C "$tool" -q -o Dir::State::Lists="$state/lists" -o Dir::State::status="$state/status" \
        -o Dir::State::extended_states="$state/extended" \
        -o Dir::Cache="$state/cache" -o Dir::Cache::pkgcache=pkgcache.bin \
        -o Dir::Cache::srcpkgcache=srcpkgcache.bin \
        -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$state/sources" \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Sandbox::User="$(id -un)" -o APT::Get::List-Cleanup=false \
        -o APT::Default-Release= -o Debug::NoLocking=true \
        -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@"
}

trixie_source() {
    local keyring
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nTargets: Packages\n' "$1" "$PREFIX_SUITE"
    for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [[ ! -r "$keyring" ]] || { printf 'Signed-By: %s\n' "$keyring"; break; }
    done
}

# trixie_update STATE: the first of the machine's mirrors that has the suite.
trixie_update() {
    local state=$1 mirror codename
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    mkdir -p "$state"/{lists/partial,cache/archives/partial,sources}
    : >"$state/status"
    : >"$state/log"
    while read -r mirror; do
        trixie_source "$mirror" >"$state/sources/$PREFIX_SUITE.sources"
        # Any index that stays away is an error, not a warning.
        trixie_apt apt-get "$state" -o APT::Update::Error-Mode=any update >>"$state/log" 2>&1 &&
            return 0
    done < <(apt_mirrors "$codename")
    [[ -s "$state/log" ]] || printf 'E: apt knows no Debian mirror on this machine\n' >"$state/log"
    return 1
}

# The roots and every library that they need, as apt resolves them.
trixie_closure() {
    trixie_apt apt-get "$1" -s install --no-install-recommends "${PREFIX_ROOTS[@]}" 2>>"$1/log" |
        awk '$1 == "Inst" { print $2 }' | grep -E '^(lib|postgresql-|zlib)' | grep -vE -e "$PREFIX_SKIP"
}

trixie_download() {
    local state=$1 dest=$2
    local -a names
    mapfile -t names < <(trixie_closure "$state")
    ((${#names[@]} > ${#PREFIX_ROOTS[@]})) || return 1
    mkdir -p "$dest"
    (cd "$dest" && trixie_apt apt-get "$state" download "${names[@]}") >>"$state/log" 2>&1
}

# ---- PostgreSQL 17 -----------------------------------------------------------

elf_files() {
    find "$@" -type f -print0 | xargs -0 -r grep -lZ -m1 -a -P '\A\x7fELF'
}

# A folder of libraries is named by the machine's own triplet.
multiarch() {
    dpkg-architecture -qDEB_HOST_MULTIARCH
}

# patch_elf FILES_ROOT LIB LOADER: programs and libraries of the prefix find
# their own C library and loader, at the place where they will stand.
patch_elf() {
    local root=$1 lib=$2 loader=$3
    elf_files "$root/usr/lib/postgresql/17/bin" |
        xargs -0 -r -n 8 -P "$(jobs_count)" \
            patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$lib"
    find "$root/usr/lib" -type f -name '*.so*' ! -name 'libc.so.6' ! -name 'ld-linux*' -print0 |
        xargs -0 -r -n 16 -P "$(jobs_count)" patchelf --force-rpath --set-rpath "$lib"
}

# build_pg17 DEBS OUT FINAL
build_pg17() {
    local debs=$1 out=$2 final=$3 lib loader
    lib=usr/lib/$(multiarch)
    mkdir -p "$out"
    find "$debs" -name '*.deb' ! -name 'libpg-query*' -print0 |
        xargs -0 -P "$(jobs_count)" -I{} dpkg-deb -x {} "$out"
    rm -rf "${out:?}"/{etc,var} "${out:?}"/usr/share/{doc,man,locale,lintian,bug} "$out/$lib/gconv"
    find "$out" -name 'llvmjit*' -delete
    rm -rf "$out"/usr/lib/postgresql/17/lib/{pgxs,bitcode} "$out"/usr/lib/{sasl2,tmpfiles.d}
    loader=$(cd "$out/$lib" && printf '%s\n' ld-linux*.so.*)
    patch_elf "$out" "$final/$lib" "$final/$lib/$loader"
    ln -s usr/lib/postgresql/17/bin "$out/bin"
}

# Every program and module finds every library inside the prefix: one taken from
# the machine would be of another release.
check_pg17() {
    local pg=$1 lib stray
    lib=$pg/usr/lib/$(multiarch)
    stray=$(elf_files "$pg/bin/" "$pg/usr/lib/postgresql/17/lib" |
        xargs -0 -r -n 1 -P "$(jobs_count)" "$lib"/ld-linux*.so.* --list 2>&1 |
        grep -vE "linux-vdso|linux-gate|statically linked|(=> |^[[:space:]]*)${pg//./\\.}/" | sort -u) || true
    [[ -z "$stray" ]] || { head -n 10 <<<"$stray" >&2; return 1; }
    as_unprivileged "$pg/bin/postgres" --version >/dev/null
}

# ---- libpg_query -------------------------------------------------------------

# build_pg_query DEBS OUT FINAL
build_pg_query() {
    local debs=$1 out=$2 final=$3 deb tree=$2.tree version
    for deb in "$debs"/libpg-query*.deb; do dpkg-deb -x "$deb" "$tree"; done
    mkdir -p "$out"
    mv "$tree/usr/include" "$out/include"
    mv "$tree/usr/lib/$(multiarch)" "$out/lib"
    rm -rf "$tree"
    version=$(dpkg-deb -f "$(ls "$debs"/libpg-query-dev*.deb)" Version)
    pg_query_pc "$final" "${version%-*}" "$out"
}

pg_query_pc() {
    mkdir -p "$3/lib/pkgconfig"
    cat >"$3/lib/pkgconfig/libpg_query.pc" <<PC
prefix=$1
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: libpg_query
Description: The PostgreSQL parser as a library
Version: $2
Cflags: -I\${includedir}
Libs: \${libdir}/libpg_query.a
PC
}

# Syntax of 17 parses, with the compiler at hand and the static library.
check_pg_query() {
    local at=$1 work
    work=$(mktemp -d)
    cat >"$work/t.c" <<'C'
#include <pg_query.h>
static int ok(const char *sql) {
    PgQueryParseResult r = pg_query_parse(sql);
    int good = r.error == 0;
    pg_query_free_parse_result(r);
    return good;
}
int main(void) {
    return !(ok("MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN DELETE RETURNING merge_action()") &&
             ok("SELECT * FROM JSON_TABLE(jsonb '[1]', '$[*]' COLUMNS (i int PATH '$')) AS j") &&
             !ok("SELECT FROM WHERE"));
}
C
    local status=0
    { cc -std=c11 -I"$at/include" -o "$work/t" "$work/t.c" "$at/lib/libpg_query.a" && "$work/t"; } || status=1
    rm -rf "$work"
    return "$status"
}

# ---- the two ways to fill the prefix ----------------------------------------

# put_in_place BUILT FINAL: the old tree leaves before the new one comes; a
# crash in between leaves no stamp, so the next setup builds again.
put_in_place() {
    [[ ! -e "$2" && ! -L "$2" ]] || mv -T "$2" "$1.old"
    mv -T "$1" "$2"
}

prefix_unreachable() {
    grep -E '^(E:|W:|Err:)' "$1/log" | sort -u | tail -n 8 >&2 || true
    die 4 "could not get the packages of Debian $PREFIX_SUITE from this machine's mirror" \
        "missing or out of date: PostgreSQL 17 for tests and libpg_query, without which the host does not build. What still works: the installed packages, and PostgreSQL 15 through tests/harness/pg.sh. Run scripts/setup again when the mirror answers"
}

prefix_unpack() {
    local deps=$1 work=$2
    log "fetching PostgreSQL 17 and libpg_query for $deps"
    trixie_update "$work/apt" || prefix_unreachable "$work/apt"
    trixie_download "$work/apt" "$work/debs" || prefix_unreachable "$work/apt"
    build_pg17 "$work/debs" "$work/pg17" "$deps/pg17"
    build_pg_query "$work/debs" "$work/pg_query" "$deps/pg_query"
}

prefix_link() {
    local deps=$1 work=$2 lib version
    lib=/usr/lib/$(multiarch)
    mkdir -p "$work/pg17" "$work/pg_query"/{include,lib}
    ln -s /usr/lib/postgresql/17/bin "$work/pg17/bin"
    ln -s /usr/include/pg_query.h /usr/include/pg_query "$work/pg_query/include/"
    ln -s "$lib"/libpg_query.* "$work/pg_query/lib/"
    # shellcheck disable=SC2016
    version=$(dpkg-query -W -f '${Version}' libpg-query-dev)
    pg_query_pc "$deps/pg_query" "${version%-*}" "$work/pg_query"
}

prefix_fill() {
    local release=$1 deps=$2 work part
    prefix_sweep "$deps"
    work=$(mktemp -d "$deps/.work.XXXXXX")
    if [[ "$release" == 12 ]]; then prefix_unpack "$deps" "$work"; else prefix_link "$deps" "$work"; fi
    rm -f "$deps/stamp"
    for part in pg17 pg_query; do put_in_place "$work/$part" "$deps/$part"; done
    [[ "$release" != 12 ]] || check_pg17 "$deps/pg17" ||
        die 5 "PostgreSQL 17 in $deps does not stand on its own" "the lines above name what it would load from elsewhere"
    check_pg_query "$deps/pg_query" || die 5 "libpg_query in $deps does not compile or parse"
    prefix_stamp "$release" "$deps" >"$work/stamp"
    mv "$work/stamp" "$deps/stamp"
    prefix_sweep "$deps"
}

# Removes what a build used; the lock says that no other one is using it.
prefix_sweep() {
    rm -rf "$1"/.work.*
}

# prefix_install RELEASE DEPS
prefix_install() {
    local release=$1 deps=$2
    prefix_is_current "$release" "$deps" && return 0
    # shellcheck disable=SC2064
    trap "prefix_sweep ${deps@Q}" EXIT
    prefix_fill "$release" "$deps"
}
