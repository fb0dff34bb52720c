#!/usr/bin/env bash
# What a leak checker finds in the process of a tool ends the program as well; without one nobody is troubled.
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

cat >"$WORK/lbops.toml" <<TOML
[workspace]
name = "test"
state_dir = "$WORK/state"
plugins = ["$BUILD/plugins", "$BUILD/hostile"]

[services.transport]
plugin = "transport_mock"
fixtures = "$SOURCE/etc/fixtures/mock"
TOML

runs() {
    "$BUILD/bin/lbops" -m "$WORK/lbops.toml" run "$1" 2>"$WORK/stderr"
}

found() {
    grep -E "$1" "$WORK/stderr" || { cat "$WORK/stderr"; return 1; }
}

check 'a tool that loses nothing ends well' exits 0 runs noop
if [[ -n "${LBOPS_SANITIZED:-}" ]]; then
    check 'a tool that loses memory ends the program' exits 1 runs leaks
    check 'it says how much' found 'leak of 12345 byte'
    check 'and who found it' found 'ERROR: LeakSanitizer'
else
    check 'a tool that loses memory ends well' exits 0 runs leaks
fi
finish
