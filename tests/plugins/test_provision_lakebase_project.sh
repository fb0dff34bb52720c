#!/usr/bin/env bash
# provision_lakebase_project on the mock transport: a plan of all of it, and nothing that cannot end.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs provision_lakebase_project --domain store --plan
holds '[.changes[].statement | split(" ")[0:2] | join(" ")] == ["POST projects?project_id=store-prod", "POST projects/store-prod/branches?branch_id=staging", "POST projects/store-prod/branches?branch_id=development"]'
holds 'all(.changes[]; .executed == false) and .events == []'
check 'what nobody has said is not printed' exits 1 grep -F '(null)' <("$LBOPS" -m "$MANIFEST" run provision_lakebase_project --plan \
    --project_name store-prod)
runs_with 1 provision_lakebase_project --project_name bank
holds '.error.message | contains("BR-060")'
runs_with 1 provision_lakebase_project --domain store --branching_pattern per_developer
holds '.error.hint | contains("--developers")'
runs_with 2 provision_lakebase_project --domain store --branching_pattern nonsense
finish
