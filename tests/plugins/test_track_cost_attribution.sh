#!/usr/bin/env bash
# track_cost_attribution on the mock transport: names for the bill's identifiers, a day that does not fit, and our share.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs track_cost_attribution
holds '[.result.accounts[] | .name] | sort == ["shop/dev", "shop/production", "unattributed"]'
holds '.result | .total_cost > 600 and ([.accounts[] | .cost] | add) - .total_cost < 0.001 and .lines_without_a_price == 1'
holds '.result.accounts[] | select(.name == "shop/production") | .own_statement_seconds == 420.5 and .compute_cost == .cost'
holds '[.result.findings[] | select(.kind == "cost_anomaly") | [.object, .kind, .evidence.day]] == [["shop/production", "cost_anomaly", "2026-01-29T00:00:00.000000Z"]]'
holds '.result.findings[0].evidence | .cost > 1.9 * .expected and .weekdays_before == 4'
recorded cost_attribution '.branch_id == "production" and .usage_start == "2026-01-29T00:00:00.000000Z" and .list_price == 0.4
                           and .anomaly_score > 3 and .usage_unit == "DBU" and .resource_id == "ep-calm-river"'
recorded cost_attribution '.branch_id == "dev" and .usage_type == "BRANCH_DATA_STORAGE" and .list_price == 0.023'
recorded cost_attribution '.record_id | test("^[0-9a-f]{16}-0$")'
recorded cost_attribution '.project_id == null and .resource_id == "older-instance" and .cost == null'

# awake one day a week: of the 21 days since its statements are known it was billed for two, and half of that is this one's
holds '.result.statements[] | select(.name == "shop/dev") | (.cost - 2.8 | fabs) < 0.001 and (.cost_a_month - 2.8 * 30 / 21 | fabs) < 0.001'
holds '.result.statements[] | select(.name == "shop/production") | (.cost - 6.08 | fabs) < 0.001 and (.cost_a_month - 91.2 | fabs) < 0.001'

# a tenth and three tenths of what a month of its storage costs: 12 units a day of 0.023 each
holds '[.result.indexes[] | [.name, .index, .is_there, .storage_share]] == [["shop/dev", "orders_note_idx", true, 0.3],
       ["shop/dev", "orders_customer_idx", false, 0.1], ["shop/production", "items_name_idx", true, null]]'
holds '[.result.indexes[].cost_a_month] | (.[0] - 2.484 | fabs) < 0.001 and (.[1] - 0.828 | fabs) < 0.001 and .[2] == null'

# our own share of the time: by the server's count, by what our runs waited, and not before there is a day of it
holds '[.result.own_load[] | [.name, .share, .verdict, .counted_by]] == [["shop/production", 0.005, "met", "the server"],
       ["shop/dev", 0.05, "missed", "what our runs waited"], ["shop/young", null, "not enough data", "the server"]]'
holds '[.result.findings[] | select(.kind == "own_load") | [.object, .evidence.own_seconds, .impact.seconds_above_the_budget]] ==
       [["shop/dev", 3, 2.4]]'

runs track_cost_attribution --least_money 100 --own_share 0.05
holds '.result.findings == []'
runs track_cost_attribution --most_indexes 1
holds '[.result.indexes[].index] == ["orders_note_idx"]'
runs track_cost_attribution --own_share 0.004
holds '[.result.findings[] | select(.kind == "own_load") | .object] == ["shop/production", "shop/dev"]'
runs_with 2 track_cost_attribution --days 0
finish
