#!/usr/bin/env bash
# scripts/new-plugin in a copy of the tree: what it makes builds, satisfies plugin check, and its test passes untouched.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

copy="$WORK/a copy"
mkdir "$copy"

copy_tree() {
    tar -C "$SOURCE" -c --exclude='./build*' --exclude=./.git --exclude=./.lbops . | tar -C "$copy" -x
}

in_copy() {
    (cd "$copy" && "$@")
}

untouched() {
    diff -r --exclude='build*' --exclude=.git --exclude=.lbops "$SOURCE" "$copy"
}

need "copy the tree" copy_tree
for bad in '' 1tool my-tool 'my tool' Tool ../tool test "$(printf 'x%.0s' {1..60})"; do
    check "refuses the name '$bad'" exits 2 in_copy scripts/new-plugin "$bad"
done
check "refuses a family with a slash" exits 2 in_copy scripts/new-plugin my_tool --family a/b
check "refuses the family services" exits 2 in_copy scripts/new-plugin my_tool --family services
check "refuses a second name" exits 2 in_copy scripts/new-plugin my_tool your_tool
check "refuses an unknown option" exits 2 in_copy scripts/new-plugin my_tool --wrong
check "refuses a plugin that exists" exits 1 in_copy scripts/new-plugin example_tables --family other
check "refuses a target of the build" exits 1 in_copy scripts/new-plugin lbops
check "and has left no trace" untouched

need "makes a plugin" in_copy scripts/new-plugin my_tool
need "makes one of a new family" in_copy scripts/new-plugin other_tool --family other_family
check "does not make it twice" exits 1 in_copy scripts/new-plugin my_tool
check "each stands in the list once" bash -c '(($(grep -cE "^lb_add_plugin\((example my_tool|other_family other_tool) " "$1") == 2))' \
    _ "$copy/plugins/CMakeLists.txt"

need "the copy configures" cmake -S "$copy" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug
need "the copy builds" cmake --build "$copy/build" --parallel "${LBOPS_JOBS:-$(nproc)}" \
    --target lbops transport_mock my_tool other_tool
check "ctest knows both tests" bash -c '(($(ctest --test-dir "$1" -N -R "^plugin\.(my|other)_tool$" | grep -c "Test *#") == 2))' \
    _ "$copy/build"
check "they pass" ctest --test-dir "$copy/build" --output-on-failure --no-tests=error -R '^plugin\.(my|other)_tool$'
if command -v clang-format-14 >/dev/null; then
    check "the code is formatted" in_copy clang-format-14 --dry-run --Werror plugins/example/my_tool.c \
        plugins/other_family/other_tool.c
fi
finish
