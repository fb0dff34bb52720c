#!/usr/bin/env bash
# create_branch_on_pr on the mock transport: the number alone names the branch.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs create_branch_on_pr --project_id bank --pr_number 10
holds '.result.branch == "ci-pr-10" and .result.created'
recorded branch_lifecycle '.branch_id == "ci-pr-10" and .creator_type == "ci" and (.detail | fromjson.pull_request) == 10'
runs create_branch_on_pr --project_id bank --pr_number 11 --action reopened
holds '.result.reused and .changes == []'
for bad in 0 -1 x 1.5; do runs_with 2 create_branch_on_pr --project_id bank --pr_number "$bad"; done
finish
