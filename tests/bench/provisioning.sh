#!/usr/bin/env bash
# The figures of the provisioning agent: provisioning.sh BUILD_DIR. Each provisioning_*.py beside this prints an array of
# them.
set -euo pipefail

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
# shellcheck source=tests/harness/pg.sh
. "$here/../harness/pg.sh"

build=$1
work=$(mktemp -d)
finish() {
    pg_stop "$work/pg" >&2 || true
    rm -rf -- "$work"
}
trap finish EXIT

# What scripts/bench builds for everybody has no plugins but those of its own figures.
cmake --build "$build" --target transport_local read_schema capture_schema_diff provision_with_governance \
    provision_lakebase_project protect_branch branch_schemas branch_sessions create_ops_catalog configure_rls \
    setup_unity_catalog_integration setup_cicd_pipeline setup_ai_agent_branching judge_figures >&2
url=$(pg_start 17 "$work/pg")
for script in "$here"/provisioning_*.py; do
    python3 -B "$script" "$build/bin/lbops" "$build/plugins" "$url"
done | jq -cs --arg machine "$(nproc) x $(sed -n 's/^model name[[:blank:]]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)" \
    '{bench: "provisioning", machine: $machine, figures: add}'
