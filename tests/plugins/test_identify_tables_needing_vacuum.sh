#!/usr/bin/env bash
# identify_tables_needing_vacuum on the mock transport: what is due, and who holds its rows back.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs identify_tables_needing_vacuum
holds '.result.findings | length == 1 and (.[0] | .object == "public.orders" and .kind == "dead_rows")'
holds '.result.findings[0] | .evidence.held_back_by == null and .confidence.label == "high" and (.fix | startswith("VACUUM"))'
holds '.result.examined.relations == 2'

BRANCH=production
runs identify_tables_needing_vacuum
holds '.result.findings[0].evidence.held_back_by | .pid == 4711 and .state == "idle in transaction"'
runs identify_tables_needing_vacuum --min_rows 20000
holds '.result.findings == []'
runs_with 2 identify_tables_needing_vacuum --dead_ratio 2
finish
