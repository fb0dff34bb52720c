# shellcheck shell=bash
# DuckDB in the private prefix: the library and its header, out of two npm packages that are fetched and unpacked, never
# installed. Source common.sh first.
#
#   duckdb/include/duckdb.h   declares less than the library has; what it declares is the same in both
#   duckdb/lib/libduckdb.so
#   duckdb/stamp              what stands here; written last

DUCKDB_LIBRARY_VERSION=1.5.6-r.1
DUCKDB_HEADER_VERSION=1.4.4

# duckdb_platform: as npm names it.
duckdb_platform() {
    case "$(uname -m)" in
        x86_64) printf 'x64\n' ;;
        aarch64) printf 'arm64\n' ;;
        *) die 2 "there is no DuckDB for a processor of the kind $(uname -m)" \
            "build it, and put duckdb.h and libduckdb.so into $1/include and $1/lib" ;;
    esac
}

duckdb_stamp() {
    printf 'library %s, header %s, %s\n' "$DUCKDB_LIBRARY_VERSION" "$DUCKDB_HEADER_VERSION" "$(uname -m)"
}

# duckdb_fetch WORK PACKAGE FILE: one file out of an npm package.
duckdb_fetch() {
    local work=$1 package=$2 file=$3 tarball
    tarball=$(cd "$work" && npm pack --silent "$package" 2>"$work/log" </dev/null) || {
        tail -n 20 -- "$work/log" >&2
        die 4 "cannot fetch the npm package $package" "the lines above say why; npm's own settings name the registry"
    }
    tar -xzf "$work/$tarball" -C "$work" "package/$file"
    rm -f -- "${work:?}/$tarball"
}

duckdb_fill() {
    local home=$1 work=$2
    log "fetching DuckDB ${DUCKDB_LIBRARY_VERSION%-*}"
    duckdb_fetch "$work" "@duckdb/node-bindings-linux-$(duckdb_platform "$home")@$DUCKDB_LIBRARY_VERSION" libduckdb.so
    duckdb_fetch "$work" "duckdb@$DUCKDB_HEADER_VERSION" src/duckdb/src/include/duckdb.h
    mkdir -p "$work/new"/{include,lib}
    mv -- "$work/package/src/duckdb/src/include/duckdb.h" "$work/new/include/"
    mv -- "$work/package/libduckdb.so" "$work/new/lib/"
    strip --strip-unneeded "$work/new/lib/libduckdb.so"
    chmod -R a+rX "$work/new"
    duckdb_stamp >"$work/new/stamp"
    # The library may be in use: what runs keeps the old file.
    rm -rf -- "$home.old"
    [[ ! -e "$home" ]] || mv -- "$home" "$home.old"
    mv -- "$work/new" "$home"
    rm -rf -- "$home.old"
}

# duckdb_install DEPS; the caller holds the lock of the prefix.
duckdb_install() (
    home=$1/duckdb
    [[ "$(cat -- "$home/stamp" 2>/dev/null)" != "$(duckdb_stamp)" ]] || return 0
    command -v npm >/dev/null || die 2 "npm is missing" "install Node.js with npm"
    work=$(mktemp -d "$1/duckdb.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    duckdb_fill "$home" "$work"
)
