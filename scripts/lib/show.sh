# shellcheck shell=bash
# shellcheck disable=SC2154 # lbops is the caller's
# What scripts/run shows: commands as a person would type them, and what is in the history afterwards. Needs common.sh,
# and lbops, the program.

headline() {
    printf '\n'
    paint 1 "$1" 2>&1
}

# show WORDS...: a run that waits or is refused is part of the show; a usage error is not.
show() {
    local status=0
    printf '\n'
    paint 1 "\$ lbops $(shown_words "$@")" 2>&1
    unheld "$lbops" "$@" </dev/null || status=$?
    ((status == 0 || status == 1 || status == 3)) || die "$status" "lbops $(shown_words "$@") failed" "its own words are above"
}

# Paths below the clone as one types them there.
shown_words() {
    local root
    root=$(repo_root)
    printf '%s' "${*//"$root"\//}"
}

# figures MANIFEST: what the history says, one figure a line, in the order in which summary reads them.
figures() {
    unheld "$lbops" -m "$1" --json sql "
        SELECT (SELECT count(*) FROM tool_runs),
               (SELECT count(*) FROM lakebase_metrics),
               (SELECT count(*) FROM pg_stat_history),
               (SELECT coalesce(sum(findings), 0) FROM tool_runs),
               (SELECT count(DISTINCT recommendation_id) FROM index_recommendations),
               (SELECT count(DISTINCT alert_id) FROM alert_history),
               (SELECT count(DISTINCT operation_id) FROM vacuum_history WHERE status = 'success'),
               (SELECT count(DISTINCT audit_id) FROM audit_log WHERE outcome = 'applied' AND effect <> 'read'),
               (SELECT coalesce(sum(rows_archived), 0) FROM data_archival_history WHERE step = 'verify'),
               (SELECT coalesce(sum(rows_deleted), 0) FROM data_archival_history)" \
        2>/dev/null </dev/null | jq -r '.rows[0][]'
}

# line NAME TEXT: of the summary.
line() {
    printf '  %s  %s\n' "$(paint 1 "$(printf '%-12s' "$1")" 2>&1)" "$2"
}

# summary MANIFEST PAGE: in figures; the page is drawn from the same history.
summary() {
    local manifest=$1 page=$2 branches projects waiting
    local -a n
    branches=$(unheld "$lbops" -m "$manifest" --json target ls 2>/dev/null </dev/null | jq -r '.result.targets[].project')
    projects=$(sort -u <<<"$branches" | wc -l)
    mapfile -t n < <(figures "$manifest")
    ((${#n[@]} == 10)) || die 1 "the history does not answer" "lbops -m $manifest sql 'SHOW TABLES' says why"
    waiting=$(unheld "$lbops" -m "$manifest" --json approvals 2>/dev/null </dev/null | jq length)
    line provisioned "$projects projects with $(wc -l <<<"$branches") branches"
    line measured "${n[0]} runs, ${n[1]} metrics, ${n[2]} statements with their figures"
    line found "${n[3]} findings, ${n[4]} recommendations about indexes$( ((n[5] == 0)) || echo ", ${n[5]} alerts")"
    line fixed "${n[6]} tables vacuumed; ${n[7]} changes, each in the audit log before and after"
    line asked "$waiting $( ((waiting == 1)) && echo "change waits" || echo "changes wait") for a person"
    if [[ "${n[8]}" == 0 ]]; then
        line archived "nothing: no row is older than the 90 days that make it cold"
    elif [[ "${n[9]}" == 0 ]]; then
        line archived "${n[8]} cold rows are in the archive and proven there; deleting them here waits for a person"
    else
        line archived "${n[8]} cold rows are in the archive and proven there; ${n[9]} of them are deleted here"
    fi
    line history "$(shown_words "${manifest%/*}")/history: Delta tables that Spark, delta-rs and DuckDB read"
    unheld "$lbops" -m "$manifest" --quiet dashboard --html "$page" </dev/null
    line dashboards "$(shown_words "$page"), and the cycle's report beside it: open them in a browser"
}

# try WHAT COMMAND [LINE...]: one of the things to try; a long one goes on in further lines.
try() {
    local words=$2 line
    for line in "${@:3}"; do printf -v words '%s \\\n      %s' "$words" "$line"; done
    paint 2 "  # $1" 2>&1
    printf '  %s\n' "$words"
}

# next_steps MANIFEST PROJECT: three commands that work as they stand.
next_steps() {
    local manifest=$1 m id title
    m="build/bin/lbops -m $(shown_words "$manifest")"
    IFS=$'\t' read -r id title < <(unheld "$lbops" -m "$manifest" --json approvals 2>/dev/null </dev/null |
        jq -r '.[0] | select(.) | [.id, "\(.title) on \(.target.project)/\(.target.branch)"] | @tsv') || true
    printf '\nThree things to try next:\n'
    if [[ -n "$id" ]]; then
        try "you decide: $title" "$m approve $id --as $(id -un) --because 'I looked at it'"
    else
        try "what has been decided so far" "$m approvals --all"
    fi
    try "ask in words" "$m ask 'Why are my queries slow?' --project $2 --branch production"
    try "try a migration out on a branch of its own, while production's statements are repeated there" \
        "$m run test_migration_on_branch --dir ../../scripts/lib/migrations" \
        "--project_id $2 --source_branch production --replay_top 5 --delete_after true"
}

# asked_before COUNT: why a cycle in a place that has seen one waits less.
asked_before() {
    (($1)) || return 0
    printf '\n%d of what it found waits for a person since an earlier run here, and is held back meanwhile: those runs\n' "$1"
    printf 'count as ok. Without .lbops/run-mock it begins anew.\n'
}

next_steps_mock() {
    cat <<TEXT

Three things to try next:
  scripts/run                                       the same on real servers, with a history that one can ask
  LBOPS_STATE_DIR=.lbops/run-mock build/bin/lbops -m etc/mock.toml approvals
                                                    what waits for a person, with its evidence
  scripts/new-plugin my_tool                        a tool of your own, with its test
TEXT
}
