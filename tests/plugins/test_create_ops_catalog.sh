#!/usr/bin/env bash
# create_ops_catalog on the mock transport: there is no Unity Catalog, and it says so.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs create_ops_catalog
holds '.result.unity_catalog == false and .changes == [] and (.result.details | contains("at home"))'
recorded lakebase_metrics '.metric_name == "ops_catalog_tables"'
runs_with 1 create_ops_catalog --catalog 'a b'
finish
