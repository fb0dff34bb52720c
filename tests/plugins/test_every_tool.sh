#!/usr/bin/env bash
# Every tool of this tree runs on the mock transport with etc/mock.toml as it stands: planned on shop/production, executed
# on shop/staging. A tool that comes new is here at once; one that has to be told something gets its line below.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

MANIFEST=$SOURCE/etc/mock.toml
FILES=$WORK/files
mkdir -p "$WORK/repo/.git" "$FILES"
printf '%s\n' 'ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text;' >"$FILES/V1__note.sql"

declare -A OTHER=([production]=staging [staging]=production)
CANDIDATE='[{"schema": "public", "table": "customers", "columns": [{"name": "name", "descending": false}], "equal": 1}]'

# tell TOOL: what the tool is told, into TOLD.
tell() {
    TOLD=()
    case "$1" in
        apply_schema_migration) TOLD=(--dir "$FILES") ;;
        branch_schemas) TOLD=(--schemas '["acme"]') ;;
        capture_schema_diff) TOLD=(--target_branch ci-pr-1) ;;
        compare_branches) TOLD=(--other_branch "${OTHER[$2]}") ;;
        create_branch) TOLD=(--project_id bank --branch_name ci-pr-10) ;;
        create_branch_on_pr) TOLD=(--project_id bank --pr_number 10) ;;
        delete_branch_on_pr_close) TOLD=(--project_id bank --pr_number 9 --action merged) ;;
        execute_on_branch) TOLD=(--branch ci-pr-1 --query "SELECT 1") ;;
        incident_on_branch) TOLD=(--branch ci-pr-1) ;;
        execute_low_risk_sop) TOLD=(--issue_type txid_age) ;;
        natural_language_dba) TOLD=(--question 'which tables have never been vacuumed?') ;;
        post_schema_diff_to_pr) TOLD=(--project_id shop --pr_number 1 --repository acme/shop) ;;
        prove_rewrite_on_branch) TOLD=(--branch ci-pr-1 --original "SELECT 1" --rewrite "SELECT 1") ;;
        prove_index_on_branch) TOLD=(--branch ci-pr-1 --candidates "$CANDIDATE") ;;
        rebuild_index_on_branch) TOLD=(--branch ci-pr-1 --indexes '[{"schema": "public", "name": "orders_pkey"}]') ;;
        protect_branch) TOLD=(--project bank --branch production) ;;
        provision_lakebase_project) TOLD=(--domain depot) ;;
        provision_with_governance) TOLD=(--domain depot --repository "$WORK/repo") ;;
        repair_synced_rows) TOLD=(--source_table orders --target_delta_table main.shop.orders) ;;
        rehearsal_on_branch) TOLD=(--dir "$FILES" --branch ci-pr-1 --rollback skip) ;;
        restore_archived_rows) TOLD=(--table orders --batches '["66e8fa1c2b000-27967.1"]') ;;
        schedule_vacuum_full) TOLD=(--table orders) ;;
        setup_ai_agent_branching) TOLD=(--directory "$WORK/repo") ;;
        setup_cicd_pipeline) TOLD=(--dir "$WORK/repo") ;;
        test_migration_on_branch) TOLD=(--project_id bank --branch_name ci-pr-10 --dir "$FILES" --rollback skip) ;;
    esac
    choose_where "$1" "$2"
    [[ ${#WHERE[@]} = 0 || " ${TOLD[*]} " == *' --branch '* ]] || TOLD+=(--project shop "${WHERE[@]}")
}

# A skip has its reason; what waits for a person has its plan; a detector says what it looked at or why not. The fixtures
# have no copy of a table to repair.
answered() {
    local tool=$1 branch=$2
    shift 2
    tell "$tool" "$branch"
    run_tool "$tool" "${TOLD[@]}" "$@"
    jq -e '(.status == "ok" or .status == "pending_approval" and (.changes | any(.outcome == "waiting"))
            or .status == "skipped" and (.error.message | length > 0)
            or .tool == "repair_synced_rows" and .error.code == "unsupported")
           and ([.result.skipped[]? | select((.reason // "") == "")] == [])' "$RUN" && return 0
    jq '{status, error, skipped: .result.skipped, outcomes: [.changes[]?.outcome]}' "$RUN"
    cat "$WORK/stderr"
    return 1
}

every() {
    "$LBOPS" -m "$MANIFEST" tools --json | jq -r '.[] | select(.agent != "example").name'
}

need "the tree has tools" [ "$(every | wc -l)" -gt 50 ]
for tool in $(every); do
    check "$tool is planned on production" answered "$tool" production --plan
    check "$tool runs on staging" answered "$tool" staging
done
finish
