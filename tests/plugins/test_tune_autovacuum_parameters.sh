#!/usr/bin/env bash
# tune_autovacuum_parameters on the mock transport: settings, their undo, and what it needs to know first.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs tune_autovacuum_parameters
holds '.result.tables_tuned == 1'
holds '.changes[0].statement | startswith("ALTER TABLE \"Sales\".\"Odd \"\"Name\"\"\" SET (autovacuum_vacuum_scale_factor")'
recorded vacuum_history '.operation_type == "tune_autovacuum" and .status == "success" and (.settings | fromjson | .old.autovacuum_freeze_max_age == "150000000")'
recorded audit_log '.undo != null and (.undo | contains("RESET (autovacuum_vacuum_scale_factor"))'
runs tune_autovacuum_parameters --min_hours 100000
holds '.changes == [] and (.result.skipped[0].reason | contains("counters cover"))'
finish
