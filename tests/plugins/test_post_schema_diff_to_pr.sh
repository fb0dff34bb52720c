#!/usr/bin/env bash
# post_schema_diff_to_pr on the mock transport; GitHub's answers are etc/fixtures/mock/http/github.json.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs_with 1 post_schema_diff_to_pr --project_id shop --pr_number 1 --repository acme/shop
holds '.error.code == "not_found" and (.error.message | contains("names no web service github"))'
holds '.error.hint | contains("[http.github]")'

cat >>"$MANIFEST" <<'TOML'

[http.github]
url = "https://api.github.com"
kind = "github"
TOML

runs post_schema_diff_to_pr --project_id shop --pr_number 1 --repository acme/shop
holds '.result.action == "created" and .result.posted and .result.branch == "ci-pr-1" and .result.base == "production"'
holds '.result.url == "https://github.com/acme/shop/pull/1#issuecomment-76" and .result.change_count > 0'
holds '.changes | length == 1 and .[0].kind == "api" and .[0].effect == "additive" and .[0].outcome == "applied"'
holds '.changes[0].statement | startswith("POST github:repos/acme/shop/issues/1/comments {")'
recorded audit_log '.phase == "outcome" and .kind == "api" and (.statement | contains("DROP INDEX public.orders_total"))'

runs post_schema_diff_to_pr --project_id shop --pr_number 5 --repository acme/shop --pr_branch ci-pr-1 --plan
holds '.result.action == "updated" and .result.posted == false'
holds '.changes[0].outcome == "planned" and (.changes[0].statement | startswith("PATCH github:"))'

runs post_schema_diff_to_pr --project_id shop --pr_number 1 --repository acme/shop --report $'tests: failure\n```@all' --plan
holds '.changes[0].statement | contains("````text\\ntests: failure")'

runs_with 1 post_schema_diff_to_pr --project_id shop --pr_number 2 --repository acme/shop --pr_branch ci-pr-1
holds '.error.code == "not_found" and (.error.hint | contains("pull-requests: write"))'
runs_with 1 post_schema_diff_to_pr --project_id shop --pr_number 1 --repository acme/locked
holds '.error.code == "denied" and (.error.message | contains("not accessible"))'
runs_with 1 post_schema_diff_to_pr --project_id shop --pr_number 1 --repository acme
runs_with 2 post_schema_diff_to_pr --project_id shop --pr_number no --repository acme/shop
finish
