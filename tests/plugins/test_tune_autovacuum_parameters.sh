#!/usr/bin/env bash
# tune_autovacuum_parameters on the mock transport: settings, their undo, and what it needs to know first.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs tune_autovacuum_parameters
holds '.result.tables_tuned == 1'
holds '.changes[0].statement | startswith("ALTER TABLE \"Sales\".\"Odd \"\"Name\"\"\" SET (autovacuum_vacuum_scale_factor")'
recorded vacuum_history '.operation_type == "tune_autovacuum" and .status == "success" and (.settings | fromjson | .old.autovacuum_freeze_max_age == "150000000")'
recorded audit_log '.undo != null and (.undo | contains("RESET (autovacuum_vacuum_scale_factor"))'
holds '[.result.findings[] | [.kind, .evidence.hot_share, .evidence.moved_share, .evidence.fillfactor]] == [["few_hot_updates", 0, 0.98, 80]]'
holds '.result.findings[0] | (.fix | startswith("ALTER TABLE \"Sales\".\"Odd \"\"Name\"\"\" SET (fillfactor = ")) and (.evidence.undo | endswith("RESET (fillfactor)"))'
holds '.result.findings[0].reason | contains("100 % of these write each index anew (not HOT): 98 % of these found no room on their page")'
runs tune_autovacuum_parameters --min_hours 100000
holds '.result.findings == null and .changes == [] and (.result.skipped[0].reason | contains("counters cover"))'

BRANCH=production
runs tune_autovacuum_parameters
holds '.result | .tables_reverted == 1 and .tables_tuned == 0'
holds '.changes[0].statement == "ALTER TABLE \"Sales\".\"Odd \"\"Name\"\"\" RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)"'
recorded vacuum_history '.reason | contains("has come 40 times an hour since")'

BRANCH=ci-pr-1
runs tune_autovacuum_parameters
holds '.changes == [] and (.result.skipped[0].reason | contains("tuned 1 hour ago"))'
finish
