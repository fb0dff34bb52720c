#!/usr/bin/env bash
# read_schema on the mock transport; its fixtures are etc/fixtures/mock/sql/schema/*.json.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs read_schema
holds '.result.schema_version == 2 and .result.database == "databricks_postgres"'
holds '.result.objects | any(.kind == "table" and .address == "TABLE public.orders")'
holds '.result.objects | map(select(.kind == "column").name) == ["id", "total"]'
holds '.result.edges | length > 0'
holds '.result.examined.objects == (.result.objects | length)'

runs read_schema --exclude_schemas public
holds '[.result.objects[] | select(.schema == "public")] == []'
finish
