#!/usr/bin/env bash
# Each public header compiles alone, twice in one unit, as strict C11 and as C++17, with every compiler here.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

include=$SOURCE/sdk/include
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -fsyntax-only)

# compiles COMPILER LANGUAGE STANDARD HEADER
compiles() {
    printf '#include <%s>\n#include <%s>\nint unit_is_not_empty;\n' "$4" "$4" |
        "$1" -x "$2" "-std=$3" "${warnings[@]}" "-I$include" -
}

cd "$include" || exit 1
for header in lbops/*.h; do
    for compiler in gcc clang-14 clang-19; do
        command -v "$compiler" >/dev/null || continue
        check "$header as C11 with $compiler" compiles "$compiler" c c11 "$header"
        check "$header as C++17 with $compiler" compiles "$compiler" c++ c++17 "$header"
    done
done
finish
