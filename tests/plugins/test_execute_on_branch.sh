#!/usr/bin/env bash
# execute_on_branch on the mock transport: executed where that does no harm, refused elsewhere.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs_with 1 execute_on_branch --query 'SELECT 1'
holds '.error.code == "denied" and (.error.hint | contains("perf-*"))'
export BRANCH=ci-pr-1
runs execute_on_branch --query 'SELECT 1'
holds '.result | .plan[0]["Execution Time"] == 8 and .has_made_up_values == false and .values == null'
runs execute_on_branch --query 'DROP TABLE customers'
holds '.result.error | contains("only statements about rows have a plan")'
runs execute_on_branch --query 'SELECT 1' --values '["1"]'
holds '.result.error | contains("there are 1 values for a statement with 0 parameters")'
runs_with 2 execute_on_branch
finish
