#!/usr/bin/env bash
# capture_schema_diff on the mock transport; its fixtures are etc/fixtures/mock/sql/schema/*.json.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs capture_schema_diff --target_branch ci-pr-1 --output all
holds '.result.from == "production" and .result.to == "ci-pr-1" and .result.has_changes'
holds '.result.diff.columns_added == ["public.orders.note"] and .result.diff.indexes_removed == ["public.orders_total"]'
holds '.result.changes | any(.attribute == "type" and .before == "integer" and .after == "bigint")'
holds '.result.statements | any(.sql == "DROP INDEX public.orders_total" and .lock == "ACCESS EXCLUSIVE")'
holds '.result.statements | any(.sql == "GRANT SELECT ON TABLE public.large TO PUBLIC")'
holds '.result.text | contains("+ view public.large")'
holds '.changes == []'

runs capture_schema_diff --target_branch production
holds '.result.has_changes == false and .result.statement_count == 0'

runs capture_schema_diff --target_branch ci-pr-1 --kinds view
holds '.result.change_count == 1'

runs_with 1 capture_schema_diff
runs_with 1 capture_schema_diff --target_branch ci-pr-1 --to somewhere
runs_with 2 capture_schema_diff --target_branch ci-pr-1 --output poem
finish
