# shellcheck shell=bash
# The Delta jars that Spark needs in tests, from Maven's central repository into the private prefix. Only running the
# interop suites calls for it. Source common.sh first.
#
#   jars/*.jar        what tests/interop/pom.xml asks for, without what Spark brings along
#   jars/pom.xml      the one that they are from; written last

jars_dir() {
    printf '%s/jars\n' "$(deps_dir)"
}

# jars_install: nothing is done when they are there. Two at once wait for each other.
jars_install() (
    pom=$(repo_root)/tests/interop/pom.xml
    jars=$(jars_dir)
    ! cmp -s -- "$pom" "$jars/pom.xml" || return 0
    command -v mvn >/dev/null || die 2 "Maven is missing" "run scripts/setup"
    mkdir -p -- "${jars%/*}" && exec 8>"${jars%/*}/jars.lock" ||
        die 1 "cannot write to ${jars%/*}" "run scripts/setup, or set LBOPS_DEPS to a folder of your own"
    flock -n 8 || { log "waiting for another who fetches jars"; flock 8; }
    ! cmp -s -- "$pom" "$jars/pom.xml" || return 0
    log "fetching the Delta jars for Spark"
    work=$(mktemp -d "$jars.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    if ! mvn -q -B -f "$pom" dependency:copy-dependencies -DincludeScope=runtime -DexcludeGroupIds=org.antlr,org.scala-lang \
        -DoutputDirectory="$work" >"$work/log" 2>&1 </dev/null 8>&-; then
        tail -n 20 -- "$work/log" >&2
        die 4 "could not fetch the Delta jars" "the lines above say why; Maven's own settings name the repository"
    fi
    mkdir -p -- "$jars"
    mv -f -- "$work"/*.jar "$jars/"
    chmod -R a+rX "$jars"
    cp -- "$pom" "$jars/pom.xml"
)
