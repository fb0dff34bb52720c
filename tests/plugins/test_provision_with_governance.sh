#!/usr/bin/env bash
# provision_with_governance on the mock transport: a plan of all of it, by the other tools.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

mkdir -p "$WORK/repo/.git"
runs provision_with_governance --domain store --repository "$WORK/repo" --plan
holds '[.result.steps[] | [.tool, .status]] | contains([["provision_lakebase_project", "planned"], ["setup_cicd_pipeline", "planned"]])'
holds '.result.steps | any(.tool == "setup_unity_catalog_integration" and .project == "store-prod" and .status == "left")'
holds '[.changes[].executed] | any | not'
runs_with 1 provision_with_governance
runs_with 1 provision_with_governance --project_name bank
holds '.error.message | contains("BR-060") and contains("stands: nothing")'
runs_with 2 provision_with_governance --branching_pattern nonsense
runs_with 1 provision_with_governance --domain store --options '{"create_ops_catalog": {"volum": "x"}}'
holds '.error.message | contains("create_ops_catalog has no parameter --volum")'
holds '.error.hint == "did you mean --volume?"'
finish
