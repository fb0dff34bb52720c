#!/usr/bin/env bash
# schedule_vacuum_full on the mock transport: asks a person, gives up on a lock, and sees who makes it vain.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs_with 3 schedule_vacuum_full --table orders
holds '.status == "pending_approval" and .result.plan.gain_ratio > 0.5 and .result.plan.free_bytes == null'
holds '[.changes[] | .executed] == [false, false, false]'
recorded vacuum_history '.operation_type == "vacuum_full" and .status == "waiting"'

BRANCH=ci-pr-1
runs schedule_vacuum_full --table orders --attempts 2 --pause_seconds 0
holds '.result | .status == "deferred" and (.reason | contains("gave up after 2 waits"))'
runs schedule_vacuum_full --table orders --min_gain 0.9
holds '.result.status == "deferred" and .changes == []'
runs_with 1 schedule_vacuum_full --table nowhere
holds '.error.code == "not_found"'

# Somebody holds dead rows back: a rewrite would copy them, and what is left of the gain is less than asked for.
BRANCH=production
runs schedule_vacuum_full --table orders
holds '.result | .status == "deferred" and (.reason | contains("rows that it would copy: pid 4711"))'
runs_with 3 schedule_vacuum_full --table orders --min_gain 0.2
recorded vacuum_history '.operation_id == "vacuum_full-16476-1" and .status == "success" and .duration_seconds == 1.5'
finish
