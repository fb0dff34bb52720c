#!/usr/bin/env bash
# collect_pg_stat_statements_info on the mock transport: evictions and a full view are findings.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs collect_pg_stat_statements_info
holds '[.result.findings[].kind] == ["statements_evicted", "statements_full"]'
holds '.result | .dealloc == 3 and .most_entries == 5000'
recorded lakebase_metrics '.metric_name == "pg_stat_statements_dealloc" and .metric_value == 3'

BRANCH=ci-pr-1
runs collect_pg_stat_statements_info
holds '.result.status == "unavailable"'
finish
