#!/usr/bin/env bash
# persist_pg_stat_statements on the mock transport: a snapshot, and a branch without the extension.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs persist_pg_stat_statements
holds '.result | .status == "ok" and .records == 2 and .examined.statements == 2'
holds '.result.skipped | any(.[]; .reason | contains("pg_read_all_stats"))'
recorded pg_stat_history '.granularity == "snapshot" and .dealloc == 3 and .calls == 1'

BRANCH=ci-pr-1
runs persist_pg_stat_statements
holds '.result | .status == "unavailable" and (.reason | contains("CREATE EXTENSION"))'

BRANCH=production
runs persist_pg_stat_statements
holds '.result | .records == 1 and .unchanged == 1 and .first_of_its_epoch == false and .interval_seconds == 300'
holds '.result | .suspends_after_s == 240 and any(.skipped[]; .reason | contains("no further apart than that"))'
recorded pg_stat_history '.calls_delta == 1 and .interval_seconds == 300'
recorded query_texts '.query == "SELECT $1" and .truncated == false'

cp -r "$SOURCE/etc/fixtures/mock" "$WORK/silent"
jq 'map(if (.path | endswith("*/endpoints")) then del(.reply) + {error: {code: "timeout", message: "no answer in time"}}
        elif (.path | endswith("production/endpoints")) then .reply.endpoints[0].endpoint_id = "main" |
            .reply.endpoints |= [{status: {endpoint_type: "ENDPOINT_TYPE_READ_ONLY", suspend_timeout_duration: "9s"}}] + .
        else . end)' \
    "$SOURCE/etc/fixtures/mock/control.json" >"$WORK/silent/control.json"
sed -i "s|^fixtures = .*|fixtures = '$WORK/silent'|" "$MANIFEST"
BRANCH=staging
runs persist_pg_stat_statements
holds '.result | .status == "ok" and .suspends_after_s == null and any(.skipped[]; .reason | contains("no answer in time"))'

# the compute may have another name, and one that only reads may come first
BRANCH=production
runs persist_pg_stat_statements
holds '.result | .suspends_after_s == 240'
finish
