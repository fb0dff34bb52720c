#!/usr/bin/env bash
# auto_tune_resource_parameters on the mock transport: what can be set is asked for, the rest is advice.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs_with 3 auto_tune_resource_parameters --memory_mb 16000
holds '[.result.recommendations[] | select(.status == "waiting") | .setting] | contains(["work_mem", "effective_cache_size"])'
holds '.result.recommendations[] | select(.setting == "work_mem") | .wanted == "256MB" and (.reason | contains("spill"))'
holds '.result.recommendations[] | select(.setting == "max_wal_size") | .status == "advice" and .scope == "not ours to set"'
holds '.result.workload_profile == "oltp"'
holds '.result.recommendations[] | select(.setting == "max_wal_size") | .reason | contains("40 of 60 checkpoints in 100 hours")'

# Memory for ten at once, which were seen, and not for the two that are there.
runs_with 3 auto_tune_resource_parameters --memory_mb 8000
holds '.result.recommendations[] | select(.setting == "work_mem") | .wanted == "200MB"'

runs_with 3 auto_tune_resource_parameters --memory_mb 16000 --min_hours 100.5
holds '[.result.skipped[] | select(.reason | contains("not enough data")) | .object] == ["max_wal_size", "work_mem"]'
runs_with 2 auto_tune_resource_parameters --workload_profile holiday

# One question to the history, which does not answer twice here, tells what both are judged by.
cp -R "$SOURCE/etc/fixtures/mock" "$WORK/once"
jq '.[0].times = 1' "$SOURCE/etc/fixtures/mock/history/resources/counted.json" >"$WORK/once/history/resources/counted.json"
sed -i "s|$SOURCE/etc/fixtures/mock|$WORK/once|" "$MANIFEST"
runs_with 3 auto_tune_resource_parameters --memory_mb 16000
holds '[.result.recommendations[].setting] | contains(["max_wal_size", "work_mem"])'
finish
