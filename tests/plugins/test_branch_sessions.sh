#!/usr/bin/env bash
# branch_sessions on the mock transport: people and programs are told apart, and who has just left is not there.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs branch_sessions
holds '.result.people == 2 and .result.programs == 1 and .result.in_transaction == 1'
holds '.result.who == "anna@example.com (psql, 2)" and (.result.sessions | length) == 2'

holds '.result.outside == null'
runs branch_sessions --outside
holds '[.result.outside[].kind] == ["foreign_server"] and .result.people == 2'

# One of the two goes while it looks, and then the other.
mkdir -p "$WORK/fixtures/sql/branch"
jq '.[0] as $there | [$there + {times: 1}, $there + {times: 1, rows: [["anna@example.com", "psql", "f", "1", "0", null]]},
    $there + {rows: [$there.rows[1]]}]' "$SOURCE/etc/fixtures/mock/sql/branch/sessions.json" \
    >"$WORK/fixtures/sql/branch/sessions.json"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
runs branch_sessions
holds '.result.people == 0 and .result.programs == 1 and .result.in_transaction == 0 and .result.who == null'
holds '[.result.sessions[].application] == ["etl"]'
finish
