#!/usr/bin/env bash
# reset_branch_from_parent on the mock transport: what may not be reset is refused before anything is done.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs_with 1 reset_branch_from_parent --project_id bank
holds '(.error.message | startswith("BR-052")) and .changes == []'
runs_with 1 reset_branch_from_parent --project_id bank --branch_id production
holds '.error.message | startswith("BR-051")'
runs_with 1 reset_branch_from_parent --project_id bank --branch_id nonsense
holds '.error.message | startswith("BR-020")'
runs_with 3 reset_branch_from_parent --project_id bank --branch_id feat-old
holds '[.changes[].outcome] == ["waiting", "waiting", "waiting"] and .events == []'
finish
