#!/usr/bin/env bash
# schedule_vacuum_analyze on the mock transport: the budget around the vacuum, and what it leaves alone.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs schedule_vacuum_analyze --plan
holds '[.changes[] | .executed] == [false, false, false, false, false] and .result.tables_planned == 1'

runs schedule_vacuum_analyze
holds '.result | .tables_vacuumed == 1 and .dead_rows_removed == 6000'
holds '.changes[2].statement == "VACUUM (ANALYZE, SKIP_LOCKED) public.orders"'
holds '[.events[].type] == ["vacuum.completed"]'
recorded vacuum_history '.table_name == "orders" and .dead_tuples_before == 6000 and .dead_tuples_after == 0 and .status == "success"'

BRANCH=production
runs schedule_vacuum_analyze
holds '.result | .tables_vacuumed == 0 and .tables_deferred == 1'
holds '.result.results[0].error | contains("holds the rows back")'
runs schedule_vacuum_analyze --window 13:00-14:00
holds '.result.stopped_because | contains("not within")'
runs_with 1 schedule_vacuum_analyze --window noon

runs schedule_vacuum_analyze --window auto
holds '.result | .window == "03:00-06:00" and .window_from == "learned from history" and (.stopped_because | contains("03:00"))'
BRANCH=staging
runs schedule_vacuum_analyze --window auto --plan
holds '.result | .window == "02:00-05:00" and (.window_from | contains("too little"))'
finish
