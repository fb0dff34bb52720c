"""test_migration_on_branch runs each file a second time: what it says of a file is held against what the branch shows."""

from place import VERSIONS, contains, equal, suite
from rehearsing import BRANCH, Trying, on

ALLOW = "-- lbops:allow not-idempotent because it is tried\n"


def outcomes(result):
    return {one["file"][:2]: one["outcome"] for one in result["rehearsal"].get("second_run", [])}


def each_file_is_run_twice(version):
    """Those that can be, and those that cannot, each with what failed or what differs."""
    with Trying(version) as place:
        place.files("files", **{
            "V1__column.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text;",
            "V2__check.sql": ALLOW + "COMMENT ON TABLE app.orders IS 'x';\n"
                                     "ALTER TABLE app.orders ADD CONSTRAINT positive CHECK (total >= 0);",
            "V3__alone.sql": "CREATE INDEX CONCURRENTLY IF NOT EXISTS alone ON app.orders (total);\n"
                             "COMMENT ON INDEX app.alone IS 'y';",
            "V4__rows.sql": "INSERT INTO app.orders (id) SELECT max(id) + 1 FROM app.orders;",
            "R__view.sql": "CREATE OR REPLACE VIEW app.v AS SELECT id FROM app.orders;"})
        done = place.try_out(rollback="skip")["result"]
        told = done["rehearsal"]
        equal(outcomes(done), {"V1": "idempotent", "V2": "fails", "V3": "idempotent", "V4": "changes rows again",
                               "R_": "idempotent"}, f"{told['second_run']}")
        by_file = {one["file"][:2]: one for one in told["second_run"]}
        contains(by_file["V2"]["says"], "V2__check.sql: statement 2 (line 3")
        contains(by_file["V2"]["says"], "already exists")
        equal([by_file["V2"]["foretold"], by_file["V4"]["foretold"], by_file["V1"]["foretold"]], [True, True, False], "by the judge")
        contains(by_file["V4"]["says"], "app.orders does not hold what it held")
        equal([f["object"] for f in told["findings"] if f["kind"] == "not-idempotent-when-run"],
              ["V2__check.sql", "V4__rows.sql"], "findings")
        equal(done["verdict"], "passed", "what was foretold and allowed is no reason to fail")
        contains(done["markdown"], "### A second run: not everything can be run twice")
        contains(done["markdown"], "- `V2__check.sql`: fails, as was foretold, `V2__check.sql: statement 2")
        equal(place.sql("SELECT count(*) FROM app.orders", branch=BRANCH), "32", "it really was run twice")
        equal(place.sql("SELECT string_agg(script || step || state, ' ' ORDER BY id) FROM lbops_migration.ledger WHERE kind <> 'report' "
                        "AND state <> 'begun'", branch=BRANCH),
              "V1__column.sql1done V2__check.sql2done V3__alone.sql1done V3__alone.sql2done V4__rows.sql1done R__view.sql1done",
              "the ledger knows of one run")
        again = place.try_out(rollback="skip")["result"]["rehearsal"]
        equal([again["applied"], again.get("second_run")], [0, None], "nothing was applied, so nothing comes twice")


def batches_are_tried_out_too(version):
    """Statement by statement as they would be on the real branch, and from the beginning the second time."""
    with Trying(version) as place:
        place.files("files", **{
            "V1__set.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note int;\n-- lbops:batches 7\n"
                           "UPDATE app.orders SET note = 1 WHERE note IS NULL;",
            "V2__count.sql": "-- lbops:batches 7\nUPDATE app.orders SET total = total + 1 WHERE id > 0;"})
        done = place.try_out(rollback="skip")["result"]
        equal(outcomes(done), {"V1": "idempotent", "V2": "changes rows again"}, f"{done['rehearsal']['second_run']}")
        equal(done["verdict"], "passed", "the judge has foretold it")
        equal(place.sql("SELECT count(note), sum(total - id) FROM app.orders", branch=BRANCH), "30|60", "it really was run twice")
        equal(place.sql("SELECT sum(rows), count(DISTINCT begun) FROM lbops_migration.batches", branch=BRANCH), "60|2",
              "of the second run nothing is noted")


def what_nobody_foretold_fails(version):
    """To the judge the block is guarded: the server knows better. Behind later files nobody knows, until they are
    taken back."""
    guarded = "DO $$ BEGIN IF EXISTS (SELECT) THEN EXECUTE format('CREATE TABLE app.t%s ()', (SELECT count(*) FROM pg_class " \
              "WHERE relname ~ '^t\\d+$')); END IF; END $$;"
    with Trying(version) as place:
        place.files("files", **{"V1__more.sql": "-- lbops:allow code-not-analysed because it is tried\n" + guarded})
        failed = place.try_out(check=1, delete_after=True)
        contains(failed["error"]["message"], "V1__more.sql cannot be run twice, a second run changes the schema again")
        equal(outcomes(failed["result"]), {"V1": "changes the schema again"}, "as the catalogue has it")
        contains(failed["result"]["rehearsal"]["second_run"][0]["says"], "app.t1")
        skipped = place.try_out(delete_after=True, second_run="skip")["result"]
        equal([skipped["verdict"], outcomes(skipped)], ["passed", {}], "as was asked for")

        place.files("later", **{"V1__column.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text;",
                                "V2__name.sql": ALLOW + "ALTER TABLE app.orders RENAME TO requests;"})
        told = place.try_out("later", delete_after=True)["result"]
        equal(outcomes(told), {"V1": "not known", "V2": "fails"}, "it is run behind the one that renames its table")
        contains(told["markdown"], "it was run behind later files, which may be why")
        place.files("later", **{"U1__column.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS note;",
                                "U2__name.sql": ALLOW + "ALTER TABLE app.requests RENAME TO orders;"})
        told = place.try_out("later")["result"]
        equal([told["rehearsal"]["rollback"]["outcome"], outcomes(told)], ["exact", {"V1": "idempotent", "V2": "fails"}],
              "the later one was taken back for it")
        equal(place.sql("SELECT to_regclass('app.requests') IS NOT NULL", branch=BRANCH), "t", "and is there again")


suite(*[on(v, check) for check in (each_file_is_run_twice, batches_are_tried_out_too, what_nobody_foretold_fails) for v in VERSIONS], at_once=3)
