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
    ((status == 0 || status == 1 || status == 3)) || die "$status" "lbops $1 failed" "its own words are above"
}

# Paths below the clone as one types them there.
shown_words() {
    local root
    root=$(repo_root)
    printf '%s' "${*//"$root"\//}"
}

# count MANIFEST QUESTION: one figure of the history.
count() {
    unheld "$lbops" -m "$1" --json sql "$2" 2>/dev/null </dev/null | jq -r '.rows[0] | if type == "array" then .[0] else (to_entries[0].value) end // 0'
}

# summary MANIFEST
summary() {
    local manifest=$1 waiting
    printf '  %-14s %s branches\n' provisioned "$(unheld "$lbops" -m "$manifest" --json target ls 2>/dev/null | jq '.result.targets | length')"
    printf '  %-14s %s runs, %s metrics, %s statements with their figures\n' measured \
        "$(count "$manifest" "select count(*) as n from tool_runs")" \
        "$(count "$manifest" "select count(*) as n from lakebase_metrics")" \
        "$(count "$manifest" "select count(*) as n from pg_stat_history")"
    printf '  %-14s %s recommendations about indexes\n' found \
        "$(count "$manifest" "select count(distinct recommendation_id) as n from index_recommendations")"
    printf '  %-14s %s tables vacuumed, %s changes in the audit log\n' fixed \
        "$(count "$manifest" "select count(distinct operation_id) as n from vacuum_history where status = 'success'")" \
        "$(count "$manifest" "select count(distinct audit_id) as n from audit_log where outcome = 'applied'")"
    waiting=$(unheld "$lbops" -m "$manifest" --json approvals 2>/dev/null </dev/null | jq length)
    printf '  %-14s %s changes wait for a person\n' asked "$waiting"
    printf '  %-14s %s\n' history "$(shown_words "${manifest%/*}")/history, Delta tables that Spark, delta-rs and DuckDB read"
}

next_steps() {
    local m
    m="build/bin/lbops -m $(shown_words "$1")"
    cat <<TEXT

Three things to try next:
  $m approvals
  $m sql "select tool, status, count(*) from tool_runs group by all order by 3 desc"
  $m run capture_schema_diff --project shop-prod --branch development --target_branch production
TEXT
}
