#!/usr/bin/env bash
# branch_sessions on the mock transport: people and programs are told apart.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs branch_sessions
holds '.result.people == 2 and .result.programs == 1 and .result.in_transaction == 1'
holds '.result.who == "anna@example.com (psql, 2)" and (.result.sessions | length) == 2'
finish
