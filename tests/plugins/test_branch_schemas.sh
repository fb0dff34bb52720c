#!/usr/bin/env bash
# branch_schemas on the mock transport: what is there is left alone.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs branch_schemas --schemas '["acme"]'
holds '.changes == [] and .result.made == 0'
runs branch_schemas --schemas '["acme", "Odd Name", "Odd Name"]'
holds '[.changes[].statement] == ["CREATE SCHEMA IF NOT EXISTS \"Odd Name\""] and .result.made == 1'
runs_with 2 branch_schemas
finish
