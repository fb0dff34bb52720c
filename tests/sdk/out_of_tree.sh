#!/usr/bin/env bash
# The example, built elsewhere against an installed SDK alone, checked, and run from its manifest. The path has a space.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

prefix="$WORK/a prefix"
plugin="$WORK/my plugin"
need "install into a prefix" cmake --install "$BUILD" --prefix "$prefix"
need "the example is installed with it" cp -a "$prefix/share/doc/lbops/example" "$plugin"
need "find_package(lbops) configures" cmake -S "$plugin" -B "$plugin/build" "-DCMAKE_PREFIX_PATH=$prefix"
check "only the prefix is used" bash -c '! grep -rIlF -- "$1/sdk" "$2/build" --include=CMakeCache.txt --include=flags.make' \
    _ "$SOURCE" "$plugin"
need "it builds" cmake --build "$plugin/build"
PATH=$prefix/bin:$PATH
cd "$plugin" || exit 1
check "plugin check accepts it" says "ok, tool stale_stats 1.0" lbops plugin check build/plugins/stale_stats.so
check "plugin check --json" bash -c 'lbops --json plugin check build/plugins/stale_stats.so | jq -e ".[0].ok"'
check "a file that is no plugin is refused" exits 1 lbops plugin check CMakeLists.txt
check "the manifest does not know it yet" exits 2 lbops check
need "install it beside the others" cmake --install build
check "the manifest passes now" exits 0 lbops check
check "tools shows it" bash -c 'lbops --json tools | jq -e "map(.name) | index(\"stale_stats\")"'
check "it runs on the mock transport" bash -c \
    'lbops run stale_stats --json | jq -e ".status == \"ok\" and (.result.findings | length) == 2"'
check "twice the same" bash -c '[ "$(lbops run stale_stats --json | jq -cS .result)" = "$(lbops run stale_stats --json | jq -cS .result)" ]'
check "a plan executes nothing" bash -c \
    'lbops run stale_stats --analyze --plan --json | jq -e ".mode == \"plan\" and ([.changes[].executed] == [false, false])"'
check "a plan leaves no audit" bash -c '! ls .lbops/outbox/audit_log/*.ndjson'
check "an execution makes both changes" bash -c \
    'lbops run stale_stats --analyze --json | jq -e "([.changes[].executed] == [true, true]) and (.events | length) == 2"'
check "and leaves an audit" bash -c 'ls .lbops/outbox/audit_log/*.ndjson'
check "a wrong parameter is a usage error" exits 2 lbops run stale_stats --shar 1
check "with the nearest right name" says "did you mean --share?" lbops run stale_stats --shar 1
finish
