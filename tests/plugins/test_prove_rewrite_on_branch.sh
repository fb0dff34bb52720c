#!/usr/bin/env bash
# prove_rewrite_on_branch on the mock transport: executed and compared where that does no harm, refused elsewhere.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs_with 1 prove_rewrite_on_branch --original 'SELECT 1' --rewrite 'SELECT 2 - 1'
holds '.error.code == "denied" and (.error.hint | contains("perf-*"))'
export BRANCH=ci-pr-1
runs prove_rewrite_on_branch --original 'SELECT 1' --rewrite 'SELECT 2 - 1'
holds '.result | .rows == 1 and .rows_missing == 0 and .is_in_order and .ms == 8 and .ms_of_rewrite == 2'
runs prove_rewrite_on_branch --original 'SELECT 1' --rewrite 'DROP TABLE customers'
holds '.result.error | contains("only statements about rows have a plan")'
runs prove_rewrite_on_branch --original 'SELECT $1' --rewrite 'SELECT $2'
holds '.result.error | contains("the rewrite has $2, and the statement has not")'
runs prove_rewrite_on_branch --original 'SELECT 1 -- one' --rewrite '/* also one */ SELECT 2 - 1;'
holds '.result | .rows == 1 and .sets_of_values == 0 and .is_order_seen and .is_in_order'
runs_with 2 prove_rewrite_on_branch --original 'SELECT 1'
finish
