#!/usr/bin/env bash
# setup_cicd_pipeline on the mock transport: it asks no server; GitHub's answers are etc/fixtures/mock/http/github.json.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

mkdir -p "$WORK/repo/.git"
runs setup_cicd_pipeline --dir "$WORK/repo" --test_command 'make test'
holds '[.result.files[] | [.found, .written]] == [["missing", true], ["missing", true], ["missing", true]]'
holds '(.changes | length) == 3 and all(.changes[]; [.kind, .effect, .outcome] == ["file", "additive", "applied"])'
holds '.result.environment == "lakebase-production" and (.result.secrets_required | length) == 3'
check "the command is in the workflow" grep -qF 'TEST_COMMAND: "make test"' "$WORK/repo/.github/workflows/lakebase-pr.yml"

runs setup_cicd_pipeline --dir "$WORK/repo" --test_command 'make test'
holds '.changes == [] and [.result.files[].found] == ["same", "same", "same"]'

cat >>"$MANIFEST" <<'TOML'

[http.github]
url = "https://api.github.com"
kind = "github"
TOML
sum=$(printf '%064d' 7)
runs setup_cicd_pipeline --dir "$WORK/repo" --test_command 'make test' --repository acme/shop --project_id shop \
    --lbops_sha256 "$sum"
holds '[.changes[] | [.kind, .effect, .outcome]] == [["api", "additive", "applied"]]'
holds '.result.variables_missing == ["LBOPS_URL"] and .result.secrets_missing == ["DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"]'
holds '.result.commands | index("gh variable set LBOPS_URL --repo acme/shop")'

runs_with 1 setup_cicd_pipeline --dir "$WORK/repo" --runner 'a b'
holds '.error.code == "invalid"'
runs_with 2 setup_cicd_pipeline
finish
