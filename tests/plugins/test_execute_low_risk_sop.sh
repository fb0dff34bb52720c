#!/usr/bin/env bash
# execute_low_risk_sop on the mock transport: what is done, what is only kept, and what the guard rails hold back.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs execute_low_risk_sop --issue_type txid_age --plan
holds '[.changes[] | .executed] == [false] and .events == []'
runs execute_low_risk_sop --issue_type txid_age --value 600000000 --look_every_s 0
holds '.result | .status == "executed" and .value_before == 600000000 and .value_after == 40 and .verified'
runs execute_low_risk_sop --issue_type vacuum_freeze
holds '.result | .status == "skipped" and .reason == "it was done less than an hour ago"
                 and .again_at == "2026-02-01T13:00:00.000000Z"'
runs execute_low_risk_sop
holds '.result | .status == "nothing_to_do" and .again_at == "2026-02-01T13:00:00.000000Z"'

runs execute_low_risk_sop --issue_type lock_wait_time
holds '.result | .status == "recorded" and .count == 2 and (.chain[0] | .root and .pid == 201)'
recorded lakebase_metrics '.metric_name == "lock_wait_time" and .metric_value == 180'

runs execute_low_risk_sop --issue_type deadlocks_per_hour
holds '.result | .status == "recorded" and .count == 4 and (.chain | length) == 2
                 and ([.writers[] | [.pid, .failed, .tables]] == [[205, true, ""], [201, false, "orders"]])
                 and .writers[0].statement == "SELECT name FROM customers WHERE lower(name) = $1"
                 and .writers[1].no_statement == "it is a statement of another database, or may not be seen by this role"'

runs execute_low_risk_sop --issue_type slow_query_time
recorded query_review_queue '.queryid == 6010425441735921000 and .status == "open" and .calls == 3'

runs execute_low_risk_sop --issue_type cache_hit_ratio
holds '.result | .status == "advised" and (.findings | length) == 1'

runs_with 2 execute_low_risk_sop --issue_type rain
finish
