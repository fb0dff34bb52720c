#!/usr/bin/env bash
# setup_ai_agent_branching on the mock transport: files are written once.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

mkdir "$WORK/repo"
runs setup_ai_agent_branching --directory "$WORK/repo"
holds '[.result.files[] | .written] == [true, true] and .result.ttl_seconds == 3600'
check "it names the project" grep -q -- '--project_id shop' "$WORK/repo/CLAUDE.md"
runs setup_ai_agent_branching --directory "$WORK/repo"
holds '.changes == []'
runs_with 2 setup_ai_agent_branching
runs_with 1 setup_ai_agent_branching --directory repo
finish
