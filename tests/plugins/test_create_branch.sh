#!/usr/bin/env bash
# create_branch on the mock transport: made by rule, and refused by rule.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs create_branch --project_id bank --branch_name ci-pr-10
holds '.result.created and .result.rule == "BR-005" and .result.source_branch == "staging"'
holds '.events[0].type == "branch.created" and .events[0].payload.branch_id == "ci-pr-10"'
recorded branch_lifecycle '.project_id == "bank" and .branch_id == "ci-pr-10" and .ttl_seconds == 14400'
holds '[.result.findings[] | .kind + " " + .object] == ["outside_foreign_server ledger"]'
runs create_branch --project_id bank --branch_name ci-pr-11
holds '.result.reused and .changes == [] and .events == []'
runs create_branch --project_id bank --branch_name ci-pr-10 --plan
holds '[.changes[].outcome] == ["planned"] and .result.created == false'
runs_with 1 create_branch --project_id bank --branch_name nonsense
holds '(.error.message | startswith("BR-020")) and .error.hint != null and .changes == []'
runs_with 1 create_branch --project_id bank --branch_name ci-pr-9
holds '.error.code == "conflict"'
cat >"$WORK/policy.json" <<JSON
{"limits": {"unarchived": 4},
 "kinds": [{"id": "X-1", "kind": "main", "patterns": ["production"], "ttl": "never"},
           {"id": "X-2", "kind": "tmp", "patterns": ["ci-pr-{number}"], "parents": ["production"], "ttl": "1h"}]}
JSON
# What makes way for it is archived, and leaves no room among those that are not.
runs_with 1 create_branch --project_id vault --branch_name ci-pr-9 --replace true --policy "$WORK/policy.json" --plan
holds '(.error.message | startswith("BR-040")) and .changes == []'
runs_with 2 create_branch
finish
