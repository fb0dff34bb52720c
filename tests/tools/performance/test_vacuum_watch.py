"""watch_autovacuum on real servers: a table that stays past its trigger is told of once, and once that it no longer is."""

import datetime
import time

from databases import Branch
from place import Given, contains, each_version, equal, holds, suite
from planted import metric, midnight
from planted import plant as history
from upkeep import HOLD, Private, ask_first, dead, plant, somebody, wait_for_others
from ward import Ward

TOOL = "watch_autovacuum"
HISTORY = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'
NAME = 'Busy "one"'
QUOTED = '"Busy ""one"""'
NOW = {"minutes": 0, "min_rows": 500}


def kinds_of_events(document):
    return [event["type"] for event in document["events"]]


def due(place):
    return [f for f in place.findings("identify_tables_needing_vacuum") if f["kind"] == "dead_rows"]


def here(document, name):
    return [f for f in document["result"]["findings"] if f["object"] == f"public.{name}"]


def is_told_once_and_cleared_once(version):
    with Given(version) as place:
        place.sql(f"CREATE TABLE {QUOTED} (id int, note text); INSERT INTO {QUOTED} SELECT g, 'note' FROM generate_series(1, 10000) g")
        place.sql(f"VACUUM ANALYZE {QUOTED}")
        # Under this lock autovacuum passes the table over, as it does where it has no worker to send.
        with somebody(place, "BEGIN", f"LOCK TABLE {QUOTED} IN SHARE UPDATE EXCLUSIVE MODE"):
            deleter = int(place.sql(f"BEGIN; DELETE FROM {QUOTED} WHERE id <= 6000; SELECT pg_current_xact_id(); COMMIT"))
            patient = place.run(TOOL)
            equal((patient["result"]["behind"], patient["events"]), (0, []), "a table that has only just got there")
            planned = place.run(TOOL, plan=True, **NOW)
            equal(planned["result"]["behind"], 1, "a plan sees it too")
            first = place.run(TOOL, **NOW)
            (found,) = here(first, NAME)
            equal((found["kind"], found["evidence"]["dead_rows"], found["evidence"]["dead_trigger"]),
                  ("autovacuum_behind", 6000, 2050), "the finding")
            contains(found["reason"], "it has been past what autovacuum waits for, 2.9 times now")
            equal(kinds_of_events(first), ["threshold.breached"], "the alert, which a plan does not send")
            told = first["events"][0]["payload"]
            equal((told["metric"], told["table"], told["action"]), ("autovacuum_behind_s", NAME, "vacuum"), "what it is about")
            holds(told["detail"] and NAME in told["text"], f"the alert {told}")
            again = place.run(TOOL, **NOW)
            equal(kinds_of_events(again), [], "a second alert")
            equal(here(again, NAME)[0]["evidence"]["past_it_since"], found["evidence"]["past_it_since"], "since when")
            # Counters that began anew forget what was before; who has looked does not.
            deleter = int(place.sql(f"SELECT pg_stat_reset(); BEGIN; DELETE FROM {QUOTED} WHERE id <= 9000; "
                                    "SELECT pg_current_xact_id(); COMMIT").split()[-1])
            anew = place.run(TOOL, **NOW)
            seen = here(anew, NAME)[0]["evidence"]
            equal((seen["dead_rows"], seen["forgotten_dead_rows"]), (9000, 6000), "dead rows of both times")
            equal(seen["past_it_since"], found["evidence"]["past_it_since"], "since when, with the time before")
            equal(kinds_of_events(anew), [], "the alert is open yet")
            fix = found["fix"]
        wait_for_others(place, deleter)
        place.sql(fix)
        cured = place.run(TOOL, **NOW)
        equal((cured["result"]["findings"], kinds_of_events(cured)), ([], ["threshold.cleared"]), "once it has been vacuumed")
        over = cured["events"][0]["payload"]
        equal([over[k] for k in ("metric", "schema", "table")], [told[k] for k in ("metric", "schema", "table")],
              "what tells the alert from others")
        equal(kinds_of_events(place.run(TOOL, **NOW)), [], "and nothing more")


def what_was_counted_before_a_sleep_is_vacuumed(version):
    """A reset of the counters is to the server what a suspended compute's night is."""
    with Given(version, more=HISTORY) as place:
        place.sql("CREATE EXTENSION pgstattuple")
        plant(place, QUOTED)
        plant(place, "calm", dead=900)
        place.sql("DO $$ BEGIN FOR i IN 1..410 LOOP EXECUTE format('CREATE TABLE few_%s AS SELECT generate_series(1, 60)', i);"
                  " END LOOP; END $$")
        contains(str(place.run(TOOL)["result"]["skipped"]), "others have more")
        place.sql("SELECT pg_stat_reset()")
        equal((dead(place, QUOTED), due(place)), (0, []), "what the server knows afterwards")
        place.run(TOOL)
        (found,) = due(place)
        evidence = found["evidence"]
        equal((found["object"], evidence["dead_rows"], evidence["forgotten_dead_rows"]), (f"public.{NAME}", 6000, 6000),
              "what is due all the same")
        place.run(TOOL)
        equal(due(place)[0]["evidence"]["dead_rows"], 6000, "what was lost once is lost once")
        make = "CREATE TABLE {} WITH (autovacuum_enabled = off) AS SELECT * FROM calm"
        place.sql(f"{make.format('remade')}; {make.format('emptied')}; DELETE FROM remade; DELETE FROM emptied")
        place.run(TOOL)
        place.sql("SELECT pg_stat_reset()")
        place.run(TOOL)
        names = {f"public.{name}" for name in (NAME, "remade", "emptied")}
        equal({f["object"] for f in due(place)}, names, "what has forgotten rows")
        place.sql(f"DROP TABLE remade; {make.format('remade')}; TRUNCATE emptied")
        equal({f["object"] for f in due(place)}, {f"public.{NAME}"}, "not a table that was made again, nor one that was emptied")
        place.run(TOOL)
        equal({f["object"] for f in due(place)}, {f"public.{NAME}"}, "nor when somebody has looked at them")
        place.sql("DROP TABLE remade, emptied")
        result = place.run("schedule_vacuum_analyze")["result"]
        equal([(r["table"], r["status"]) for r in result["results"]], [(NAME, "success")], "what was vacuumed")
        equal(place.sql(f"SELECT dead_tuple_count FROM pgstattuple('{QUOTED}')"), "0", "the table's dead rows")
        equal(due(place), [], "once it has been vacuumed")
        place.sql("SELECT pg_stat_reset()")  # before anybody could look at what the vacuum has left
        place.run(TOOL)
        equal(due(place), [], "after another sleep")


def an_alert_is_over_where_it_began(version):
    """Of two databases of a branch: one where nothing is late does not end what the other is told of, nor forgets since when."""
    def said(database):
        document = branch.look_at(database).run(TOOL, **NOW)
        since = [f["evidence"]["past_it_since"] for f in here(document, "t")]
        return kinds_of_events(document), since

    with Branch(version, HISTORY) as branch, Given(version) as shop, Given(version) as books:
        shop.sql("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 10000)")
        shop.sql("VACUUM ANALYZE t")
        with somebody(shop, "BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"):
            deleter = int(shop.sql("BEGIN; DELETE FROM t WHERE id <= 6000; SELECT pg_current_xact_id(); COMMIT"))
            events, since = said(shop)
            equal((events, len(since)), (["threshold.breached"], 1), "where it is late")
            equal(said(books), ([], []), "where nothing is")
            equal(said(shop), ([], since), "told once, and since when")
        wait_for_others(shop, deleter)
        shop.sql("VACUUM t")
        equal((said(books)[0], said(shop)[0]), ([], ["threshold.cleared"]), "once it has been vacuumed")


def each_database_has_its_own_alert(version):
    """Of two that are late with a table of the same name: the one's end is not the other's."""
    def said(database):
        events = branch.look_at(database).run(TOOL, **NOW)["events"]
        return [(e["type"].removeprefix("threshold."), e["payload"]["database"]) for e in events]

    locks = ("BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    with Branch(version, HISTORY) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            database.sql("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 10000)")
            database.sql("VACUUM ANALYZE t")
        with somebody(shop, *locks):
            with somebody(books, *locks):
                shop.sql("DELETE FROM t WHERE id <= 6000")
                deleter = int(books.sql("BEGIN; DELETE FROM t WHERE id <= 6000; SELECT pg_current_xact_id(); COMMIT"))
                equal((said(shop), said(books)), ([("breached", shop.database)], [("breached", books.database)]), "both are late")
            wait_for_others(books, deleter)
            books.sql("VACUUM t")
            equal((said(books), said(shop)), ([("cleared", books.database)], []), "once the one has been vacuumed")


def vacuumed(database, at):
    return {"operation_id": f"of {database.database}", "executed_at": at, "database_name": database.database,
            "schema_name": "public", "table_name": "t", "operation_type": "vacuum_analyze", "reason": "r", "status": "success"}


def what_was_counted_is_of_its_database(version):
    """Of two databases of a branch that have the same table: neither the rows that the one has lost count of are the other's,
    nor a vacuum that met them."""
    with Branch(version, HISTORY) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            plant(database)
        branch.look_at(shop).run(TOOL)
        history(branch, "vacuum_history", [vacuumed(books, datetime.datetime.now(datetime.timezone.utc))])
        for database in (shop, books):
            database.sql("SELECT pg_stat_reset()")
        branch.run(TOOL)
        (found,) = due(branch)
        equal(found["evidence"]["forgotten_dead_rows"], 6000, "no vacuum has met them")
        equal(due(branch.look_at(books)), [], "and the other has none")


def notes_of_carried_rows_are_of_their_database(version):
    with Branch(version, HISTORY) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            plant(database)
            database.sql("SELECT pg_stat_reset()")
        history(branch, "lakebase_metrics", [metric("carried_dead_rows", midnight(-2), 6000, "public.t", database_name=shop.database)])
        history(branch, "vacuum_history", [vacuumed(books, midnight(-1))])
        equal(due(branch.look_at(books)), [], "where nothing was counted")
        (found,) = due(branch.look_at(shop))
        equal(found["evidence"]["forgotten_dead_rows"], 6000, "where it was, and what was vacuumed is the other's")
        history(branch, "lakebase_metrics", [metric("carried_dead_rows", midnight(-1), 7000, "public.t")])
        (found,) = due(branch)
        equal(found["evidence"]["forgotten_dead_rows"], 7000, "notes that name none may be of any")


def what_nobody_looks_after_is_not_its_fault(version):
    with Given(version) as place:
        place.sql("CREATE TABLE off (id int) WITH (autovacuum_enabled = off); INSERT INTO off SELECT generate_series(1, 5000);"
                  "CREATE TABLE few (id int); INSERT INTO few SELECT generate_series(1, 400); DELETE FROM off")
        equal(place.run(TOOL, **NOW)["result"]["findings"], [], "a table that autovacuum leaves alone, and a small one")
        role = f"weak_{place.database}"
        place.at_server(f"CREATE ROLE {role} LOGIN")
        try:
            env = {f"LBOPS_TEST_PG{version}": place.server.replace("//postgres@", f"//{role}@")}
            contains(str(place.run(TOOL, env=env, **NOW)["result"]["skipped"]), "grant it pg_read_all_stats")
        finally:
            place.at_server(f"DROP ROLE {role}")
        place.run(TOOL, factor=0.5, check=2)


def one_look_at_busy_workers_is_no_verdict(version):
    """The only worker is at a table that keeps it, and cannot come to the other one."""
    with Ward(version, autovacuum_naptime="'1s'", autovacuum_max_workers=1) as ward, Private(ward) as place:
        plant(place, "first", rows=1_000, dead=0)
        ask_first(place)
        with somebody(place, HOLD):
            place.sql("ALTER TABLE first RESET (autovacuum_enabled); DELETE FROM first WHERE id <= 400")
            began = time.monotonic()
            while place.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
                            " AND query LIKE '%public.first%'") == "0":
                holds(time.monotonic() - began < 120, "no worker has come")
                time.sleep(0.1)
            place.sql("CREATE TABLE late (id int); INSERT INTO late SELECT generate_series(1, 10000)")
            place.sql("VACUUM ANALYZE late")
            place.sql("DELETE FROM late WHERE id <= 6000")
            looks = [place.run(TOOL, **NOW) for _ in range(3)]
        found = [here(look, "late")[0] for look in looks]
        equal([f["impact"]["level"] for f in found], ["warning", "warning", "critical"], "levels")
        equal([f["evidence"]["looks_with_all_busy"] for f in found], [1, 2, 3], "looks")
        equal([[e["payload"]["level"] for e in look["events"]] for look in looks], [["warning"], [], ["critical"]], "alerts")


def large_tables_counters_are_noted_once_an_hour(version):
    with Given(version) as place:
        plant(place, "large", rows=20_000, dead=300)
        plant(place, "small", rows=1_000, dead=300)
        for _ in range(2):
            place.run(TOOL)
        found = {(r["object_name"], r["metric_name"]): r["metric_value"] for r in place.waiting("lakebase_metrics")
                 if r["metric_name"].startswith("table_")}
        equal(found, {("public.large", "table_rows_changed"): 300, ("public.large", "table_rows_inserted"): 20_000,
                      ("public.large", "table_autovacuums"): 0}, "what was noted")
        equal(len([r for r in place.waiting("lakebase_metrics") if r["metric_name"] == "table_autovacuums"]), 1, "how often")


suite(*each_version(an_alert_is_over_where_it_began, each_database_has_its_own_alert, what_was_counted_is_of_its_database, notes_of_carried_rows_are_of_their_database, large_tables_counters_are_noted_once_an_hour, is_told_once_and_cleared_once, one_look_at_busy_workers_is_no_verdict, what_was_counted_before_a_sleep_is_vacuumed,
                    what_nobody_looks_after_is_not_its_fault), at_once=2)
