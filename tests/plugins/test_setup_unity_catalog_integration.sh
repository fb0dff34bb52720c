#!/usr/bin/env bash
# setup_unity_catalog_integration on the mock transport: there is no Unity Catalog, and it says so.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs setup_unity_catalog_integration --project_id shop
holds '.changes == [] and (.result.skipped | any(.object == "Unity Catalog"))'
runs setup_unity_catalog_integration
runs_with 2 setup_unity_catalog_integration --catalog shop
finish
