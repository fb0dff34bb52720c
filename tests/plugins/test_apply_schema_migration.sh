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

# Files are judged by their text where there is no server, nor a way to one.
MANIFEST=$WORK/alone.toml
printf '[workspace]\nname = "alone"\n' >"$MANIFEST"
printf '%s\n' '-- lbops:allow not-idempotent because it is tried' \
    'ALTER TABLE app.orders ADD CONSTRAINT kind FOREIGN KEY (kind) REFERENCES app.kinds;' \
    'ALTER TABLE app.orders ADD CONSTRAINT a CHECK (kind > 0) NOT VALID;' \
    'ALTER TABLE app.orders ADD CONSTRAINT b CHECK (kind > 1) NOT VALID;' 'DROP TABLE IF EXISTS app.old;' \
    >"$FILES/V5__keys.sql"
printf '%s\n' 'ALTER TABLE app.orders VALIDATE CONSTRAINT a;' >"$FILES/V6__valid.sql"
printf '%s\n' '-- lbops:batches 1000' 'UPDATE app.orders SET kind = 1 WHERE kind IS NULL;' >"$FILES/V8__fill.sql"
printf '%s\n' 'CREATE TABLE app.more (id bigint PRIMARY KEY);' >"$FILES/V7__more.sql"
printf '%s\n' 'SELECT 1;' >"$FILES/helper.sql"
runs_with 1 apply_schema_migration --project p --dir "$FILES"
holds '.error.message | contains("no transport")'
runs apply_schema_migration --project p --dir "$FILES" --judge_only '["V5__keys.sql", "V8__fill.sql", "helper.sql"]'
holds '.changes == [] and .result.examined == {"files": 2, "statements": 5} and .result.skipped[0].object == "helper.sql"'
holds '[.result.findings[] | select(.kind == "foreign-key-not-deferred" or .kind == "table-drop") | .evidence.line] == [2, 5]'
holds '[.result.findings[] | select(.kind == "not-valid-never-validated") | .object] == ["app.orders.b"]'
holds '[.result.findings[] | .evidence | (.file | IN("V5__keys.sql", "V8__fill.sql")) and (.refused | not)] | all'
runs apply_schema_migration --project p --dir "$FILES" --judge_only '["V8__fill.sql"]'
runs_with 1 apply_schema_migration --project p --dir "$FILES" --judge_only '["V5__keys.sql", "V7__more.sql"]'
holds '.error.message | contains("V7__more.sql, line 1, column 1: not-idempotent")'
holds '[.result.findings[] | select(.evidence.refused) | [.evidence.file, .evidence.line]] == [["V7__more.sql", 1]]'
runs_with 1 apply_schema_migration --project p --dir "$FILES" --judge_only '["../files/V5__keys.sql"]'
holds '.error.code == "not_found" and .result.findings == []'
finish
