# shellcheck shell=bash
# Configuring and building a preset. Source common.sh first.

build_dir() {
    case "$1" in
        dev) printf '%s/build\n' "$(repo_root)" ;;
        *) printf '%s/build-%s\n' "$(repo_root)" "$1" ;;
    esac
}

# build_hold PRESET: one script at a time uses a build directory; the second one
# waits. Held until this shell ends; whoever is started here and may outlive it
# must not inherit it, see unheld.
BUILD_LOCKS=()
build_hold() {
    local dir fd
    dir=$(build_dir "$1")
    mkdir -p -- "$dir" || die 1 "cannot make $dir" "is the clone yours to write to?"
    exec {fd}>"$dir/.lock"
    flock -n "$fd" || { log "waiting for another script that uses ${dir##*/}"; flock "$fd"; }
    BUILD_LOCKS+=("$fd")
}

# unheld COMMAND...: runs it without our locks.
unheld() (
    for fd in "${BUILD_LOCKS[@]}"; do exec {fd}>&-; done
    "$@"
)

# newest NAME: clang-14 on Debian 12, clang-19 on 13, whatever there is elsewhere.
newest() {
    local suffix
    for suffix in -14 -19 ''; do
        if command -v "$1$suffix" >/dev/null; then
            printf '%s\n' "$1$suffix"
            return 0
        fi
    done
    return 1
}

# A build directory that was copied along with its tree knows the wrong paths.
build_forget_moved() {
    local dir=$1 home
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$dir/CMakeCache.txt" 2>/dev/null) || return 0
    [[ -n "$home" && "$home" != "$(repo_root)" ]] || return 0
    log "${dir##*/} was made for $home: starting anew"
    find "$dir" -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf -- {} +
}

# quietly LOG COMMAND...: its output goes to LOG, and to the reader only when it fails.
quietly() {
    local log_file=$1
    shift
    if ! unheld "$@" >"$log_file" 2>&1 </dev/null; then
        tail -n 60 -- "$log_file" >&2
        return 1
    fi
}

# What else a preset is to be configured with; a caller's to set.
BUILD_OPTIONS=()

build_configure() {
    local preset=$1 dir
    local -a extra=("${BUILD_OPTIONS[@]}")
    dir=$(build_dir "$preset")
    build_forget_moved "$dir"
    if [[ "$preset" == fuzz ]]; then
        extra+=("-DCMAKE_C_COMPILER=$(newest clang)" "-DCMAKE_CXX_COMPILER=$(newest clang++)")
    fi
    # Ninja configures again by itself when a list of files changes.
    [[ ${#BUILD_OPTIONS[@]} == 0 && -e "$dir/build.ninja" && "$dir/build.ninja" -nt "$(repo_root)/CMakePresets.json" ]] ||
        quietly "$dir/configure.log" env -C "$(repo_root)" cmake --preset "$preset" "${extra[@]}" ||
        die 1 "the preset $preset does not configure" "the lines above say why"
}

# build_targets PRESET [TARGET...]: ninja shows its progress to a person, and only trouble to a log.
build_targets() {
    local preset=$1 dir
    local -a command
    shift
    dir=$(build_dir "$preset")
    command=(cmake --build "$dir" --parallel "$(jobs_count)")
    (($# == 0)) || command+=(--target "$@")
    if [[ -t 2 ]]; then
        unheld "${command[@]}" >&2 || die 1 "the preset $preset does not build" "the lines above say why"
    else
        quietly "$dir/build.log" "${command[@]}" -- --quiet ||
            die 1 "the preset $preset does not build" "the lines above say why"
    fi
}

# build_preset PRESET [TARGET...]
build_preset() {
    local start=$SECONDS
    build_hold "$1"
    build_configure "$1"
    build_targets "$@"
    log "built ${1} in $((SECONDS - start)) s"
}
