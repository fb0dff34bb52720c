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

# A compute that only reads comes first, and is smaller: it has settings of its own.
cp -R "$SOURCE/etc/fixtures/mock" "$WORK/reads"
jq 'map(if (.path | endswith("*/endpoints")) then .reply.endpoints |= [{status: {endpoint_type: "ENDPOINT_TYPE_READ_ONLY",
        autoscaling_limit_min_cu: 0.5}}, .[0] * {status: {autoscaling_limit_min_cu: 4}}] else . end)' \
    "$SOURCE/etc/fixtures/mock/control.json" >"$WORK/reads/control.json"
sed -i "s|$SOURCE/etc/fixtures/mock|$WORK/reads|" "$MANIFEST"
runs_with 3 auto_tune_resource_parameters
holds '.result.memory_bytes == 4 * 2147483648 and (.result.memory_from | contains("smallest size"))'

jq 'map(if (.path | endswith("*/endpoints")) then del(.reply) + {error: {code: "timeout", message: "no answer in time"}} else . end)' \
    "$SOURCE/etc/fixtures/mock/control.json" >"$WORK/reads/control.json"
runs_with 3 auto_tune_resource_parameters
holds '.result.memory_from == "unknown"'
jq 'map(if (.path | endswith("*/endpoints")) then del(.reply) + {error: {code: "cancelled", message: "somebody stopped it"}} else . end)' \
    "$SOURCE/etc/fixtures/mock/control.json" >"$WORK/reads/control.json"
runs_with 1 auto_tune_resource_parameters
holds '.error.code == "cancelled"'
sed -i "s|$WORK/reads|$SOURCE/etc/fixtures/mock|" "$MANIFEST"

# One question to the history, which does not answer twice here, tells what both are judged by.
cp -R "$SOURCE/etc/fixtures/mock" "$WORK/once"
jq '.[0].times = 1' "$SOURCE/etc/fixtures/mock/history/resources/counted.json" >"$WORK/once/history/resources/counted.json"
sed -i "s|$SOURCE/etc/fixtures/mock|$WORK/once|" "$MANIFEST"
runs_with 3 auto_tune_resource_parameters --memory_mb 16000
holds '[.result.recommendations[].setting] | contains(["max_wal_size", "work_mem"])'
finish
