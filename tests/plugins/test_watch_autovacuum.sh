#!/usr/bin/env bash
# watch_autovacuum on the mock transport: told of once, as it remembers.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs watch_autovacuum
holds '.events == [] and .result.findings == []'
runs watch_autovacuum --minutes 0
holds '.result.behind >= 1 and all(.result.findings[]; .kind == "autovacuum_behind" and .fix != null)'
holds '[.events[].type] == ["threshold.breached"] and .events[0].payload.metric == "autovacuum_behind_s"'
holds 'all(.result.findings[]; .evidence.workers_busy == 3 and .evidence.looks_with_all_busy == 2 and .impact.level == "warning")'
runs watch_autovacuum --minutes 0
holds '[.events[] | .type, .payload.level] == ["threshold.breached", "critical"]'
holds 'all(.result.findings[]; .impact.level == "critical" and
    (.reason | contains("all 3 workers were at work in 3 of the last 3 looks") or contains("holds the rows back")))'
runs watch_autovacuum --minutes 0
holds '.events == []'

# What was told of as a warning is told of again once all workers are at work most of the time, and about the same table.
cp -R "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
workers="$WORK/fixtures/sql/vacuum/workers.json"
sed -i 's/"3"/"1"/' "$workers"
BRANCH=production runs watch_autovacuum --minutes 0
holds '[.events[].payload.level] == ["warning"]'
table=$(jq -c '.events[0].payload | [.schema, .table]' "$RUN")
sed -i 's/"1"/"3"/' "$workers"
for _ in 1 2; do
    BRANCH=production runs watch_autovacuum --minutes 0
    holds '.events == [] and all(.result.findings[]; .impact.level == "warning")'
done
BRANCH=production runs watch_autovacuum --minutes 0
holds "[.events[] | .type, .payload.level] == [\"threshold.breached\", \"critical\"]"
holds ".events[0].payload | [.schema, .table] == $table"
BRANCH=production runs watch_autovacuum --minutes 0
holds '.events == []'
sed -i 's/"3"/"1"/' "$workers"
for busy in 4 3; do
    BRANCH=production runs watch_autovacuum --minutes 0
    holds "all(.result.findings[]; .evidence.looks_with_all_busy == $busy and .impact.level == \"critical\")"
done
BRANCH=production runs watch_autovacuum --minutes 0
holds 'all(.result.findings[]; .evidence.looks == 5 and .evidence.looks_with_all_busy == 2 and .impact.level == "warning")'
runs_with 2 watch_autovacuum --factor 0
finish
