#!/usr/bin/env bash
# Every plugin that we build exports its descriptor alone, and takes nothing from the host by linking.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

exports_descriptor_alone() {
    local names
    names=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//')
    printf '%s\n' "$names"
    [[ "$names" == lb_plugin_v1 ]]
}

resolves_by_itself() {
    local missing
    missing=$(ldd -r "$1" 2>&1 | grep -E 'undefined symbol|not found') || return 0
    printf '%s\n' "$missing"
    return 1
}

descriptor_is_data() {
    nm -D --defined-only "$1" | grep -E ' [DRBV] lb_plugin_v1$'
}

for plugin in "$BUILD"/plugins/*.so; do
    name=${plugin##*/}
    check "$name exports lb_plugin_v1 and nothing else" exports_descriptor_alone "$plugin"
    check "$name has a descriptor that is data" descriptor_is_data "$plugin"
    check "$name needs nothing of the host" resolves_by_itself "$plugin"
    check "$name satisfies plugin check" "$BUILD/bin/lbops" plugin check "$plugin"
done
finish
