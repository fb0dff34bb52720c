#!/usr/bin/env bash
# What has passed on a tree is left out of the next whole check of it, and of no other: in a project of two suites, one of
# which fails while a file says so, with the scripts as they are.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

place="$WORK/a place"
mkdir -p "$place/scripts"
cp -r "$SOURCE/scripts/lib" "$place/scripts/lib"
printf '/build/\n/ran\n/fails\n/edits\n' >"$place/.gitignore"
cat >"$place/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(two NONE)
enable_testing()
add_test(NAME story.one COMMAND sh -c "echo one >>ran; test ! -e edits || echo more >>edited" WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
add_test(NAME story.two COMMAND sh -c "echo two >>ran; test ! -e fails" WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
CMAKE
git -C "$place" init -q
cmake -S "$place" -B "$place/build" >/dev/null
# What suites are given is no concern of these.
unset "${!LBOPS_TEST_PG@}" "${!LBOPS_WATCHED@}" LBOPS_PG LBOPS_JOBS

# whole: as scripts/test goes about it, without what it builds.
whole() {
    bash -c '
        set -euo pipefail
        for part in common build passed suites; do . "$1/scripts/lib/$part.sh"; done
        work=$(mktemp -d)
        trap "rm -rf -- $work" EXIT
        if [[ "${2:-}" == --again ]]; then forget_passed; fi
        watch_tree
        suites dev
        summary' whole "$place" "$@"
}

# ran NAMES STATUS LAST-LINE [OPTION]: which suites a whole check runs, and how it ends.
ran() {
    local output status=0 names
    rm -f "$place/ran"
    output=$(whole "${@:4}" 2>&1) || status=$?
    printf '%s\n' "${output//$'\n'/$'\n'| }" # not to be taken for suites of the one who runs this
    names=$(sort "$place/ran" 2>/dev/null | paste -sd' ')
    [[ "$names" == "$1" && "$status" == "$2" && "$(tail -n 1 <<<"$output")" == "$3" ]] ||
        { printf 'ran "%s" and left with %d\n' "$names" "$status"; return 1; }
}

touch "$place/fails"
need "both run, one fails" ran "one two" 1 "1 passed, 1 failed"
check "the one that failed runs again" ran "two" 1 "1 passed, 1 failed"
rm "$place/fails"
check "and again until it passes" ran "two" 0 "2 passed, 0 failed"
check "then none does" ran "" 0 "2 passed, 0 failed"
check "which is said" says "2 have passed on this very tree before: scripts/test --again runs them too" whole
check "--again runs both" ran "one two" 0 "2 passed, 0 failed" --again
echo "# another" >>"$place/CMakeLists.txt"
check "a file that has changed: both run" ran "one two" 0 "2 passed, 0 failed"
echo new >"$place/new"
check "a file that is new: both run" ran "one two" 0 "2 passed, 0 failed"
chmod +x "$place/new"
check "a file that may be executed now: both run" ran "one two" 0 "2 passed, 0 failed"
rm "$place/new"
check "a file that is gone: both run" ran "one two" 0 "2 passed, 0 failed"
check "what git ignores is no part of the tree" ran "" 0 "2 passed, 0 failed"
touch "$place/edits"
echo 1 >"$place/edited"
check "an edit while they run: both pass" ran "one two" 0 "2 passed, 0 failed"
rm "$place/edits"
check "and nobody knows on which tree" ran "one two" 0 "2 passed, 0 failed"
touch "$place/fails"
LBOPS_PG=99 check "other servers: both run" ran "one two" 1 "1 passed, 1 failed"
rm -rf "$place/.git" "$place/fails"
check "where git knows nothing both run" ran "one two" 0 "2 passed, 0 failed"
check "each time" ran "one two" 0 "2 passed, 0 failed"
finish
