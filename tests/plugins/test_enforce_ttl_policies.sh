#!/usr/bin/env bash
# enforce_ttl_policies on the mock transport: leaves that are over their time, by the clock of the run.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

cat >>"$MANIFEST" <<TOML
[[routine]]
what = "expiry"
branch = "ci-*"
reason = "they are made to go"
TOML
runs_with 3 enforce_ttl_policies --project_id bank
holds '.result.branches_deleted == 1 and .result.total_active == 6 and .result.not_done == 2'
holds '[.result.over_their_time[] | [.branch, .deleted]] == [["ci-pr-9", true], ["feat-old", false]]'
holds '[.result.given_an_expiry[].branch] == ["feat-new"]'
holds '[.events[].payload.branch_id] == ["ci-pr-9"]'
holds '[.result.skipped[].object] == ["bank/mine"]'
recorded branch_lifecycle '.event_type == "expired" and .branch_id == "ci-pr-9"'
runs_with 1 enforce_ttl_policies --project_id bank --policy /nowhere.json
holds '.error.code == "io" and .changes == []'
finish
