"""apply_schema_migration and what concurrent builds of indexes leave when they fail, die or come to nothing: an index of
no use, copies, one more with each try. The database is looked at afterwards."""

import json

from migrating import FIRST, Migrations, kill
from place import each_version, equal, holds, suite

NAMES = ("SELECT coalesce(string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text), '') FROM pg_index "
         "WHERE NOT indisvalid AND indrelid::regclass::text !~ '^pg_toast'")
HALF = "CREATE OR REPLACE FUNCTION app.part(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 6 / (2 - $1)'"


def left_behind(document):
    return [(f["object"], f["evidence"]["table"], f["impact"]["bytes"]) for f in document["result"]["findings"]
            if f["kind"] == "index-left-behind"]


def dropped(document):
    return [c["statement"] for c in document["changes"] if c["statement"].startswith("DROP INDEX")]


def the_copy_of_others_is_told_of_and_stays(version):
    """No name of a migration ever matches it."""
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql(f'{HALF}; CREATE TABLE app."the Rest" ("A b" int); CREATE INDEX "Its" ON app."the Rest" (app.part("A b")); '
                  f'INSERT INTO app."the Rest" VALUES (1); {HALF.replace("2", "1")}')
        place.psql("-c", 'REINDEX INDEX CONCURRENTLY app."Its"', check=False)
        equal(place.sql(NAMES), 'app."Its_ccnew"', "what others have left")
        whole = [("app.Its_ccnew", 'app."the Rest"', 0)]
        for what in ("INDEX CONCURRENTLY app.\"Its\"", "TABLE CONCURRENTLY app.\"the Rest\"", "SCHEMA CONCURRENTLY app",
                     f"DATABASE CONCURRENTLY {place.database}"):
            place.put("V2__rebuild", f"REINDEX {what};")
            failed = place.refused("division by zero")
            equal(left_behind(failed), whole, "where it failed")
            equal(dropped(failed), ['DROP INDEX CONCURRENTLY IF EXISTS app."Its_ccnew1"'], "its own copy goes")
            equal(place.sql(NAMES), 'app."Its_ccnew"', "and theirs stays")
        place.sql(HALF)
        planned = place.migrate(plan=True)
        equal((left_behind(planned), dropped(planned)), (whole, []), "in a plan")
        done = place.migrate()
        equal((left_behind(done), dropped(done)), (whole, []), "and where it went well: the copy is left as it is")
        fix = next(f["fix"] for f in done["result"]["findings"] if f["kind"] == "index-left-behind")
        place.psql("-c", fix if isinstance(fix, str) else fix["sql"])
        equal(place.sql(NAMES), "", "the way to be rid of it")
        place.put("V3__rebuild", 'REINDEX TABLE CONCURRENTLY app."the Rest";')
        equal(left_behind(place.migrate()), [], "none is left")


def one_of_another(place):
    """A build of others fails, and what it leaves has a name as rebuilds give it."""
    place.psql("-c", "CREATE INDEX CONCURRENTLY others ON app.orders ((1 / (id - id)))", check=False)
    place.psql("-c", "ALTER INDEX app.others RENAME TO orders_tot_ccnew")


def all_of_another(place):
    """A rebuild by others of the same table fails."""
    place.sql(f"{HALF}; CREATE INDEX its ON app.orders (app.part(id::int)); {HALF.replace('2', '1')}")
    place.psql("-c", "REINDEX TABLE CONCURRENTLY app.orders", check=False)
    place.sql(HALF)


def killed(version, rebuild, isolation, phase, ours, goes, others=one_of_another):
    """A migration that is killed while a reader keeps its rebuild from going on, and then others come. Gives what is of no
    use after the next run, and what that has told of."""
    with Migrations(version, V1__orders=FIRST + "CREATE INDEX IF NOT EXISTS orders_total ON app.orders (total);") as place:
        place.migrate()
        place.sql("INSERT INTO app.orders VALUES (1, 1)")
        place.put("V2__rebuild", f"REINDEX {rebuild};")
        reader = place.session()
        reader.stdin.write(f"BEGIN ISOLATION LEVEL {isolation}; SELECT count(*) FROM app.orders;\n")
        reader.stdin.flush()
        equal(reader.stdout.readline(), "1\n", "somebody reads")
        at_work = ("SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE datname = current_database() "
                   f"AND phase = '{phase}'")
        running = place.start()
        place.until(at_work)
        kill(running)
        equal(place.sql(at_work), "t", "the server goes on with it")
        meanwhile = place.migrate(plan=True)
        equal((left_behind(meanwhile), dropped(meanwhile)), ([], []), "what is being built is not left behind")
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^REINDEX' "
                  "AND datname = current_database()")
        place.until("SELECT count(*) = 0 FROM pg_stat_progress_create_index WHERE datname = current_database()")
        reader.communicate("ROLLBACK;\n")
        equal(place.sql(NAMES), " ".join(f"app.{name}" for name in ours), "what is left")
        others(place)
        planned, done = place.migrate(plan=True), place.migrate()
        for document in (planned, done):
            equal([s for s in dropped(document) if "pg_toast" not in s],
                  [f"DROP INDEX CONCURRENTLY IF EXISTS app.{name}" for name in goes], "what goes")
        order = [c["statement"].split()[0] for c in done["changes"] if c["statement"].startswith(("DROP INDEX", "REINDEX"))]
        equal(order[-1], "REINDEX", "it goes before the next try")
        equal(place.migrate()["changes"], [], "nothing is left to do")
        apart = "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid::regclass::text ~ '^pg_toast'"
        equal(place.sql(apart), "1" if others is all_of_another else "0", "nor of what is stored apart")
        return place.sql(NAMES), [name for name, _, _ in left_behind(done) if "pg_toast" not in name]


COPIES = ["orders_pkey_ccnew", "orders_total_ccnew"]


def new_copies_are_dropped_before_the_next_try(version):
    """A snapshot keeps the new indexes from taking the place of the old ones; those of a table are all made at once."""
    left, told = killed(version, "TABLE CONCURRENTLY app.orders", "REPEATABLE READ", "waiting for old snapshots", COPIES, COPIES)
    equal((left, told), ("app.orders_tot_ccnew", ["app.orders_tot_ccnew"]), "a single one is no table's")


def copies_in_a_schema_are_dropped_before_the_next_try(version):
    left, told = killed(version, "SCHEMA CONCURRENTLY app", "REPEATABLE READ", "waiting for old snapshots", COPIES, COPIES)
    equal((left, told), ("app.orders_tot_ccnew", ["app.orders_tot_ccnew"]), "as those of a table are")


def the_rebuild_of_others_that_came_later_stays(version):
    left, told = killed(version, "TABLE CONCURRENTLY app.orders", "REPEATABLE READ", "waiting for old snapshots", COPIES, COPIES,
                        all_of_another)
    theirs = ["app.its_ccnew", "app.orders_pkey_ccnew1", "app.orders_total_ccnew1"]
    equal((left, told), (" ".join(theirs), theirs), "whoever was first after the beginning is this one")


def old_copies_are_dropped_before_the_next_try(version):
    """A lock without a snapshot keeps the old index from going."""
    left, told = killed(version, "INDEX CONCURRENTLY app.orders_total", "READ COMMITTED",
                        "waiting for readers before marking dead", ["orders_total_ccold"], ["orders_total_ccold"])
    equal((left, told), ("app.orders_tot_ccnew", ["app.orders_tot_ccnew"]),
          "what has the name of another index is not this rebuild's")


def all_old_copies_are_dropped_before_the_next_try(version):
    olds = ["orders_pkey_ccold", "orders_total_ccold"]
    left, told = killed(version, "TABLE CONCURRENTLY app.orders", "READ COMMITTED",
                        "waiting for readers before marking dead", olds, olds)
    equal((left, told), ("app.orders_tot_ccnew", ["app.orders_tot_ccnew"]), "known by those that took their place")


def what_others_leave_when_this_one_left_nothing_stays(version):
    """A copy of one index of several, younger than the migration's beginning."""
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql(f"{HALF}; CREATE INDEX its ON app.orders (app.part(id::int)); INSERT INTO app.orders VALUES (1, 1); "
                  f"{HALF.replace('2', '1')}")
        place.put("V2__rebuild", "REINDEX TABLE CONCURRENTLY app.orders;")
        place.refused("division by zero")
        equal(place.sql(NAMES), "", "its own copies are gone")
        place.psql("-c", "REINDEX INDEX CONCURRENTLY app.its", check=False)
        equal(place.sql(NAMES), "app.its_ccnew", "what others have left")
        place.sql(HALF)
        planned, done = place.migrate(plan=True), place.migrate()
        for document in (planned, done):
            equal((dropped(document), [name for name, _, _ in left_behind(document)]), ([], ["app.its_ccnew"]), "it stays")
        equal(place.sql(NAMES), "app.its_ccnew", "as it was")


def on_production_a_person_decides_on_the_copies(version):
    with Migrations(version, kind="production", V1__orders=FIRST) as place:
        place.migrate()
        place.sql(f"{HALF}; CREATE INDEX its ON app.orders (app.part(id::int)); INSERT INTO app.orders VALUES (1, 1); "
                  f"{HALF.replace('2', '1')}")
        place.put("V2__rebuild", "REINDEX INDEX CONCURRENTLY app.its;")
        place.migrate(check=3)
        place.approve(place.approvals()[0]["id"], check=None)
        equal(place.sql(NAMES), "app.its_ccnew", "it was approved, and failed")
        place.sql(HALF)
        place.migrate(check=3)
        asked = [a for a in place.approvals() if a["status"] == "pending"]
        equal([a["title"] for a in asked], ["drop what a rebuild of app.its has left"], "approvals")
        place.migrate(check=3)
        equal(len([a for a in place.approvals() if a["status"] == "pending"]), 1, "asked once")
        place.approve(asked[0]["id"])
        equal(place.sql(NAMES), "", "dropped")
        place.migrate(check=3)
        rebuild = [a for a in place.approvals() if a["status"] == "pending"]
        holds(len(rebuild) == 1 and "V2__rebuild" in rebuild[0]["title"], "and the rebuild is asked for")


BUILD = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);"
STATE = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = to_regclass('app.orders_total')"


def builds(document):
    return [c["statement"].split()[0] for c in document["changes"]
            if c["statement"].startswith(("CREATE UNIQUE INDEX", "DROP INDEX")) and c["outcome"] == "applied"]


def an_index_that_comes_to_nothing_is_built_three_times(version):
    """Whatever does it: the statement says that it is done, and the index is of no use."""
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql("CREATE FUNCTION app.spoil() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN UPDATE pg_index SET indisready = false "
                  "WHERE indexrelid = to_regclass(''app.orders_total''); END'; "
                  "CREATE EVENT TRIGGER spoil ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION app.spoil()")
        place.put("V2__index", BUILD)
        failed = place.refused("app.orders_total is invalid after its build", "what is invalid goes first")
        equal(builds(failed), ["CREATE", "DROP"] * 3, "built, and cleared away, three times")
        equal((place.sql(STATE), place.ledger()[1:]), ("", ["V2__index.sql|begun|1|1", "V2__index.sql|failed|1|1"]),
              "nothing is left, and the ledger does not have it as done")
        equal([(p["tries_in_vain"], p["failed"]) for p in failed["result"]["parts"]], [(3, True)], "tries")
        place.sql("DROP EVENT TRIGGER spoil")
        place.migrate()
        equal((place.sql(STATE), place.ledger()[-1]), ("t|t", "V2__index.sql|done|1|1"), "the next run builds it")


def an_index_of_no_use_that_comes_in_between_is_built_anew(version):
    """IF NOT EXISTS, behind somebody who has the table, takes what that one leaves for what was wanted."""
    with Migrations(version, V1__orders=FIRST, V2__index=BUILD) as place:
        place.migrate(target_version="1")
        other = place.session()
        other.stdin.write("BEGIN; LOCK TABLE app.orders IN SHARE UPDATE EXCLUSIVE MODE; SELECT 'held';\n")
        other.stdin.flush()
        equal(other.stdout.readline(), "held\n", "somebody changes the table")
        running = place.start()
        place.until("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^CREATE UNIQUE INDEX' "
                    "AND datname = current_database()")
        said, _ = other.communicate("CREATE INDEX orders_total ON app.orders (total); UPDATE pg_index SET indisvalid = false "
                                    "WHERE indexrelid = 'app.orders_total'::regclass; COMMIT; SELECT 'done';\n")
        equal(said, "done\n", "and leaves an index of no use")
        done = json.loads(running.communicate()[0])
        equal((done["status"], done["result"]["applied"], builds(done)), ("ok", 1, ["CREATE", "DROP", "CREATE"]), "built anew")
        equal((place.sql(STATE), done["result"]["parts"][-1]["tries_in_vain"]), ("t|t", 1), "it is the one that is wanted")
        equal(place.ledger()[1:], ["V2__index.sql|begun|1|1", "V2__index.sql|done|1|1"], "done, once")
        equal(place.migrate()["changes"], [], "nothing is left to do")


suite(*each_version(the_copy_of_others_is_told_of_and_stays, new_copies_are_dropped_before_the_next_try,
                    copies_in_a_schema_are_dropped_before_the_next_try, the_rebuild_of_others_that_came_later_stays,
                    old_copies_are_dropped_before_the_next_try, all_old_copies_are_dropped_before_the_next_try,
                    what_others_leave_when_this_one_left_nothing_stays, on_production_a_person_decides_on_the_copies,
                    an_index_that_comes_to_nothing_is_built_three_times,
                    an_index_of_no_use_that_comes_in_between_is_built_anew))
