#!/usr/bin/env bash
# delete_branch_on_pr_close on the mock transport: whole, once, and not over the head of somebody.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

cat >>"$MANIFEST" <<TOML
[[targets]]
project = "bank"
branch = "ci-*"
pattern = true
class = "throwaway"
TOML
runs delete_branch_on_pr_close --project_id bank --pr_number 9 --action merged
holds '.result.deleted and (.changes[0].statement | endswith("ci-pr-9?purge=true"))'
holds '.events[0].payload.reason == "pull request 9 was merged"'
runs delete_branch_on_pr_close --project_id bank --pr_number 77
holds '.result.was_gone and .changes == []'
runs_with 3 delete_branch_on_pr_close --project_id bank --pr_number 11
holds '.changes[0].outcome == "waiting" and (.changes[0].decision | contains("wants a person"))'
finish
