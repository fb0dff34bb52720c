#!/usr/bin/env bash
# terminate_idle_connections on the mock transport: who is ended, who is kept and why, and that a plan ends nobody.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=production
runs terminate_idle_connections --plan
holds '[.changes[] | .executed] == [false] and .result.sessions_terminated == 0 and .events == []'

runs terminate_idle_connections
holds '.result | .pids == [101] and .past_limit == 3 and .protected == 2'
holds '[.result.kept[] | [.pid, .reason]] == [[103, "a superuser"], [105, "our own session"]]'
holds '[.events[] | .payload.pids] == [[101]]'
recorded audit_log '.phase == "outcome" and .outcome == "applied"'

runs terminate_idle_connections --max_idle_in_transaction_min 10 --keep_users '["clerk"]'
holds '.result.pids == [] and ([.result.kept[] | select(.pid == 102) | .reason] == ["its user is listed"])'

runs_with 1 terminate_idle_connections --users '["nosuchuser"]'
holds '.error | .code == "invalid" and (.message | endswith("no role '"'nosuchuser'"'")) and .hint == "roles that may log in: anna, clerk"'
finish
