#!/usr/bin/env bash
# test_migration_on_branch on the mock transport: what it makes of what it sees, and what it refuses.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

FILES=$WORK/files
mkdir "$FILES"
printf '%s\n' 'ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text;' >"$FILES/V1__note.sql"

runs test_migration_on_branch --project_id bank --branch_name ci-pr-10 --dir "$FILES" --rollback skip
holds '.result.created and .result.rule == "BR-005" and .result.verdict == "passed"'
holds '.result.rehearsal.applied == 1 and .result.rehearsal.log.bytes == 8192'
holds '.result.rehearsal.locks[0] | .relation == "app.orders" and .mode == "AccessExclusiveLock" and .held_ms_at_least == 250'
holds '.result.rehearsal.locks[0].blocked_sessions == 1 and .result.rehearsal.locks[0].longest_wait_ms == 200'
holds '.result.rehearsal.blocked[0] | .pid == 202 and .application == "shop" and .waited_ms == 200'
holds '.result.rehearsal.files == [{"relation": "app.orders", "change": "rewritten", "kind": "table", "bytes": 16384}]'
holds '.result.rehearsal.statements[0] | .file == "V1__note.sql" and .statement == 1 and .took_ms == 250 and .log_bytes == 8192'
holds '.result.rehearsal.statements[0].locks == [{"relation": "app.orders", "mode": "AccessExclusiveLock", "held_ms": 250}]'
holds '.result.rehearsal.statements[0] | .read == ["app.orders"] and .rewritten == ["app.orders"]'
holds '.result.rehearsal.temp_bytes == 512 and .result.rehearsal.size == {"before": 8000000, "after": 8016384}'
holds '.result.rehearsal.rollback.outcome == "skipped"'
holds '.result.rehearsal.skipped[0] | .object == "second run" and .reason == "this branch is not of the class throwaway"'
holds '.result.markdown | contains("| `app.orders` | AccessExclusiveLock | 250 to 260 | 1 | 200 |")'
holds '.result.markdown | contains("SET total = 1 -- '"'"'/'"'"'`")'

runs_with 1 test_migration_on_branch --project_id bank --branch_name ci-pr-10 --dir "$FILES" --rollback require
holds '.error.message | contains("the rollback failed")'
runs_with 1 test_migration_on_branch --project_id bank --branch_name ci-pr-10 --dir "$FILES" --test_command true
holds '.error.code == "unsupported"'
runs_with 1 test_migration_on_branch --project_id bank --branch_name ci-pr-10 --dir "$FILES" --replay_top 1
holds '.error.message | contains("none of the 1 statements of staging can be replayed")'
runs_with 1 test_migration_on_branch --project_id bank --branch_name ci-pr-10 --dir "$FILES" --replay_top 1 --replay x.sql
holds '.error.message | contains("both a workload and statements to replay")'
runs_with 1 test_migration_on_branch --project_id bank --branch_name nonsense --dir "$FILES"
holds '.error.message | startswith("BR-020")'
runs_with 1 test_migration_on_branch --project_id bank --branch_name development --dir "$FILES"
holds '(.error.message | startswith("development is no branch to throw away")) and .changes == []'
runs test_migration_on_branch --project_id bank --dir "$FILES" --plan
holds '.result.branch == "perf-migration-20260201-120000" and ([.changes[].executed] | any | not)'
runs_with 1 test_migration_on_branch --project_id bank --dir "$FILES" --pr_number 1
holds '.error.code == "invalid" and (.error.hint | contains("--repository"))'
runs_with 2 test_migration_on_branch
finish
