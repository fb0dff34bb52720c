#!/usr/bin/env bash
# apply_schema_migration on the mock transport: what it plans, applies, asks for and refuses.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

FILES=$WORK/files
mkdir "$FILES"
printf '%s\n' 'CREATE SCHEMA IF NOT EXISTS app;' 'CREATE TABLE IF NOT EXISTS app.orders (id bigint PRIMARY KEY);' \
    >"$FILES/V1__orders.sql"
printf '%s\n' 'ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text;' \
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_note ON app.orders (note);' >"$FILES/V2__note.sql"

BRANCH=production runs apply_schema_migration --dir "$FILES" --plan
holds '[.changes[] | .executed] | any | not'
holds '[.changes[] | select(.group | startswith("apply")) | .statement] | length == 29'

BRANCH=production runs apply_schema_migration --dir "$FILES"
holds '[.result.migrations[].outcome] == ["applied", "applied"] and .result.examined.files == 2'
holds '[.changes[].outcome] | unique == ["applied"]'

printf '%s\n' "COMMENT ON TABLE app.orders IS 'x';" 'DROP SCHEMA IF EXISTS app CASCADE;' >"$FILES/V3__drop.sql"
BRANCH=production runs_with 3 apply_schema_migration --dir "$FILES"
holds '.status == "pending_approval" and .result.migrations[2].outcome == "waiting"'
holds '[.result.findings[].kind] | contains(["schema-drop", "drop-cascade"])'
holds '[.result.findings[] | select(.kind == "schema-drop") | .evidence.at_risk[0] | .table, .rows, .used_by[0]] == ["app.orders", 42, "view app.totals"]'
BRANCH=ci-pr-1 runs apply_schema_migration --dir "$FILES"
holds '.result.migrations[2].outcome == "applied"'

printf '%s\n' 'ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS busy text;' >"$FILES/V4__busy.sql"
BRANCH=ci-pr-1 runs_with 1 apply_schema_migration --dir "$FILES" --lock_tries 2
holds '.error.sqlstate == "55P03" and (.error.message | startswith("V4__busy.sql: statement 1 (line 1, column 1)"))'
holds '.error.hint | test("tried 2 times in [0-9.]+ s, as lock_tries has it; app.orders is held by session 4711")'

printf '%s\n' 'CREATE TABLE app.more (id bigint PRIMARY KEY);' >"$FILES/V4__busy.sql"
runs_with 1 apply_schema_migration --dir "$FILES" --plan
holds '.error.message | contains("V4__busy.sql, line 1, column 1: not-idempotent")'
holds '.error.hint | contains("CREATE TABLE IF NOT EXISTS app.more")'
runs_with 1 apply_schema_migration --dir "$WORK/nowhere"

# A pooler gives the run another session than the one that took the lock; that one holds it, and it is not this run's.
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/pooled"
printf '%s' '[{"columns": ["pid", "is_kept"], "rows": [["4711", "t"]], "times": 2},' \
    '{"columns": ["pid", "is_kept"], "rows": [["4712", "t"]]}]' >"$WORK/pooled/sql/migration/lock_kept.json"
sed -i "s|^fixtures = .*|fixtures = '$WORK/pooled'|" "$MANIFEST"
rm "$FILES"/V[34]__*
BRANCH=ci-pr-1 runs_with 1 apply_schema_migration --dir "$FILES"
holds '.error.code == "conflict" and (.error.hint | contains("not to a pooler"))'
holds '.error.message | endswith("was lost: session 4711 took it, and this is session 4712")'
holds '[.result.migrations[].outcome] == ["applied", "failed"]'
runs_with 2 apply_schema_migration
finish
