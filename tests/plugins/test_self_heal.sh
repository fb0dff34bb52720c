#!/usr/bin/env bash
# self_heal on the mock transport: a transaction that idles is for a person to end; old statistics are taken anew.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs self_heal --plan
holds '.result.remedies[0] | .cause == "idle_in_transaction" and .risk == "medium" and .status == "planned"'
holds '[.changes[] | .executed] == [false] and .events == []'

BRANCH=production runs self_heal --cause stale_statistics
holds '.result.remedies[0] | .object == "public.orders" and .risk == "low" and .status == "executed"'
holds '[.changes[] | select(.executed) | .statement] == ["ANALYZE (SKIP_LOCKED) public.orders"]'
holds '.result.remedies[0].verified == false and .result.escalated == 1'
BRANCH=production runs self_heal --cause stale_statistics
holds '.result.remedies[0] | .status == "held_back" and .why == "it was tried less than 2 h ago"'
BRANCH=production runs self_heal --cause stuck_slot
holds '.result.remedies[0] | .status == "for_a_person" and .risk == "high"'

runs_with 2 self_heal --most 9
finish
