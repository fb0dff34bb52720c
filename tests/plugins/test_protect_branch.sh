#!/usr/bin/env bash
# protect_branch on the mock transport: two kinds of protection.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

cat >>"$MANIFEST" <<TOML
[[targets]]
project = "bank"
branch = "production"
class = "production"
[[targets]]
project = "bank"
branch = "staging"
class = "shared"
[[targets]]
project = "bank"
branch = "feat-old"
class = "shared"
TOML
BRANCH=production runs protect_branch --project bank
holds '.result.by == "platform" and .changes == []'
BRANCH=staging runs protect_branch --project bank
holds '.result.by == "policy" and .result.rule == "BR-002" and .changes == []'
BRANCH=feat-old runs_with 1 protect_branch --project bank
holds '.error.message | startswith("BR-042")'
finish
