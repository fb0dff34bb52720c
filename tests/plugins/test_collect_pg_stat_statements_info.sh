#!/usr/bin/env bash
# collect_pg_stat_statements_info on the mock transport: evictions and a full view are findings.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs collect_pg_stat_statements_info
holds '[.result.findings[].kind] == ["statements_evicted", "statements_full"]'
holds '.result.findings[0] | .confidence.label == "low" and (.reason | contains("3 times since the last reset"))'
holds '.result | .dealloc == 3 and .most_entries == 5000'
recorded lakebase_metrics '.metric_name == "pg_stat_statements_dealloc" and .metric_value == 3'

# What was evicted before the last reading is no news; what was since is.
BRANCH=production
runs collect_pg_stat_statements_info
holds '[.result.findings[].kind] == ["statements_full"]'
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
sed -i 's|"3"\]|"1"]|' "$WORK/fixtures/history/statements/last_evictions.json"
runs collect_pg_stat_statements_info
holds '.result.findings[0] | .kind == "statements_evicted" and .confidence.label == "high" and (.reason | contains("2 times in 0.1 hours"))'

BRANCH=ci-pr-1
runs collect_pg_stat_statements_info
holds '.result.status == "unavailable"'
finish
