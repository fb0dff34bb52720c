#!/usr/bin/env bash
# example_tables on the mock transport; its fixture is etc/fixtures/mock/sql/example/largest_tables.json.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs example_tables --min_bytes 10485760 --days 2
holds '.target == {"project": "shop", "branch": "production"} and .mode == "execute"'
holds '.result.examined.tables == 3 and .result.skipped == []'
holds '[.result.findings[].object] == ["public.order_lines", "audit.events"]'
holds '.result.findings[0].evidence == {"bytes": 31138512896, "last_vacuum": "2026-01-29T03:12:44.120001Z"}'
holds '.result.findings[0].confidence | .value == ([.terms[].points] | add)'
holds '.result.findings[1].evidence.last_vacuum == null'
holds '.result.findings[0].fix == "VACUUM (ANALYZE) public.order_lines"'
recorded lakebase_metrics '.metric_name == "largest_table_bytes" and .metric_value == 31138512896'
recorded tool_runs '.tool == "example_tables" and .status == "ok" and .findings == 2'

runs example_tables --min_bytes 10485760 --days 365
holds '[.result.findings[].object] == ["audit.events"]'

runs example_tables --min_bytes 10485760 --schemas audit
holds '.result.examined.tables == 1 and (.result.skipped | length) == 2'
holds '.result.skipped[0] == {"object": "public.order_lines", "reason": "its schema was not asked for"}'

runs_with 2 example_tables --days 0
runs_with 2 example_tables --days many
runs_with 2 example_tables --day 7
finish
