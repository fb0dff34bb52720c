# shellcheck shell=bash
# The whole check does not run again what has passed on this very tree: suites depend on its files and on what is
# installed, and on nothing else. Source common.sh and build.sh first; `work` is a directory of the caller's.

TREE='' # one word for all that suites depend on; empty: nobody can tell, or nobody has asked

# tree_word: nothing where git does not know the files, or suites use servers of the caller's.
tree_word() {
    local root
    root=$(repo_root)
    git -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1 || return 0
    {
        printf '%s\n' "${LBOPS_PG:-}" "$(deps_dir)" "$(uname -srm)"
        cat -- "$(deps_dir)/stamp" 2>/dev/null || true
        dpkg-query -W 2>/dev/null || true
        git -C "$root" ls-files -z -co --exclude-standard | LC_ALL=C sort -zu | (
            cd "$root" || exit
            # One that was removed and not yet committed is a line of its own.
            xargs -0 sh -c 'stat -c "%f %n" -- "$@" 2>&1; sha256sum -- "$@" 2>&1' sh
        )
    } | sha256sum | cut -c 1-64
}

# watch_tree: from here on the suites that pass are remembered.
watch_tree() {
    [[ -n "${!LBOPS_TEST_PG*}" ]] || TREE=$(tree_word)
}

# passed_before DIR: the suites of a build directory that have passed on this tree, a line each.
passed_before() {
    local file=$1/passed.suites
    [[ -n "$TREE" && -r "$file" && "$(head -n 1 -- "$file")" == "$TREE" ]] || return 0
    tail -n +2 -- "$file"
}

# remember_passed DIR NAME...: those that have passed now, with what they said. An edit meanwhile makes it unknown which
# tree they saw.
remember_passed() {
    local dir=$1 log=$1/Testing/Temporary/LastTest.log
    shift
    [[ -n "$TREE" && "$(tree_word)" == "$TREE" ]] || return 0
    [[ "$(head -n 1 -- "$dir/passed.suites" 2>/dev/null)" == "$TREE" ]] || rm -f -- "$dir/passed.suites" "$dir/passed.log"
    cat -- "$log" >>"$dir/passed.log"
    { printf '%s\n' "$TREE"; passed_before "$dir"; (($# == 0)) || printf '%s\n' "$@"; } >"$dir/passed.new"
    mv -- "$dir/passed.new" "$dir/passed.suites"
}

# forget_passed: as if nothing had ever run.
forget_passed() {
    local preset
    for preset in dev asan; do rm -f -- "$(build_dir "$preset")"/passed.{suites,log}; done
}

# said_on_this_tree DIR: where all is that suites have said since the tree became what it is.
said_on_this_tree() {
    local log=$1/passed.log
    [[ -n "$(passed_before "$1")" && -r "$log" ]] || log=$1/Testing/Temporary/LastTest.log
    printf '%s\n' "$log"
}

# only_names NAME...: a pattern of ctest for these suites and no others.
only_names() {
    local IFS='|'
    printf '^(%s)$\n' "${*//./\\.}"
}
