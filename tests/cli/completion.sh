#!/usr/bin/env bash
# What the Tab key offers, with a program that is not on the PATH and a manifest in a folder with a blank in its name.
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

LBOPS=$BUILD/bin/lbops

# offered WORD... : what is offered for the last word, as far as it has been typed; a line each.
offered() {
    COMP_WORDS=("$(printf %q "$LBOPS")" "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _lbops
    printf '%s\n' "${COMPREPLY[@]}"
}

# offers WHAT WORD... : WHAT is among it.
offers() {
    local what=$1 all
    shift
    all=$(offered "$@")
    printf '%s\n' "$all"
    grep -qxF -e "$what" <<<"$all"
}

nothing() {
    [[ -z "$(offered "$@")" ]]
}

# offers_in_zsh WHAT LINE: a terminal of zsh, the line typed, and Tab.
offers_in_zsh() {
    TERM=dumb timeout 120 zsh -f "$WORK/type.zsh" "$(printf %q "$LBOPS") $2" "$1"
}

mkdir "$WORK/my folder"
sed "s|^fixtures = .*|fixtures = \"$SOURCE/etc/fixtures/mock\"|; s|^state_dir = .*|state_dir = \"state\"|" \
    "$SOURCE/etc/mock.toml" >"$WORK/my folder/mock.toml"
cd "$WORK" || exit
"$LBOPS" completion bash >completion.bash
"$LBOPS" completion zsh >completion.zsh
# shellcheck source=/dev/null
. ./completion.bash

check "a verb" offers runs ru
check "a verb behind options" offers runs --json --log-level debug ru
check "an option of the program" offers --log-level --lo
check "a level" offers debug --log-level d
check "a folder with a blank for -m" offers 'my folder' -m my
for manifest in 'my\ folder/mock.toml' "'my folder/mock.toml'"; do
    check "a tool of the manifest $manifest" offers create_branch -m "$manifest" run create_b
    check "a tool to be described" offers create_branch -m "$manifest" tools create_b
    check "a parameter of it" offers --branch_name -m "$manifest" run create_branch --br
    check "an option of run beside it" offers --branch -m "$manifest" run create_branch --br
    check "a job" offers metric_collector -m "$manifest" job met
done
check "an option of another verb, from its help" offers --strict cycle --st
check "a file for a page" offers 'my folder' cycle --html my
check "what jobs can do" offers bundle jobs b
check "a folder for a bundle" offers 'my folder' jobs bundle my
check "what can be done with branches" offers reset target r
check "an option of that" offers --ttl target create x --t
check "a verb to be explained" offers run help ru
check "a level for a component" offers warn log schedule w
check "check for plugins" offers check plugin c
check "a file to be checked" offers 'my folder' plugin check my
check "a shell" offers zsh completion z
check "no file where an id stands" nothing approve ''

if command -v zsh >/dev/null; then
    cat >type.zsh <<'ZSH'
zmodload zsh/zpty
zpty typed zsh -f -i
zpty -w typed 'autoload -Uz compinit; compinit -u -d ./dump; source ./completion.zsh; print re''ady'
zpty -r typed said '*ready*'
zpty -w -n typed "$1"$'\t'
zpty -r typed said "*$2*"
ZSH
    check "zsh: a job" offers_in_zsh metric_collector 'job met'
    check "zsh: a tool of a manifest" offers_in_zsh evaluate_alert_thresholds "-m 'my folder/mock.toml' run evaluate_al"
fi
finish
