"""schedule_vacuum_analyze on real servers: dead rows go, worst first, within its limits; the rest is said."""

import concurrent.futures
import contextlib
import datetime
import time

from databases import Branch
from place import PATIENCE, Given, contains, each_version, equal, holds, suite
from planted import KEEPS, answer, metric, midnight
from planted import plant as put
from upkeep import HOLD, Private, Someone, ask_first, dead, plant, somebody, until, vacuums
from ward import Ward

TOOL = "schedule_vacuum_analyze"


def removes_dead_rows_worst_first(version):
    with Given(version) as place:
        plant(place, "bad", dead=4000)
        plant(place, '"Worse one"', dead=9000)
        plant(place, "fine", dead=100)
        planned = place.run(TOOL, plan=True)
        equal((planned["result"]["tables_planned"], dead(place, "bad")), (2, 4000), "a plan changes nothing")
        document = place.run(TOOL)
        result = document["result"]
        equal([r["table"] for r in result["results"]], ["Worse one", "bad"], "order")
        equal((result["tables_vacuumed"], result["dead_rows_removed"]), (2, 13_000), "what was done")
        equal((dead(place, "bad"), dead(place, '"Worse one"'), dead(place, "fine")), (0, 0, 100), "dead rows")
        event = next(e for e in document["events"] if e["type"] == "vacuum.completed")
        contains(str(event), "public.Worse one", "public.bad")
        rows = place.waiting("vacuum_history")
        equal(sorted((r["table_name"], r["dead_tuples_before"], r["dead_tuples_after"], r["status"]) for r in rows),
              [("Worse one", 9000, 0, "success"), ("bad", 4000, 0, "success")], "vacuum_history")
        holds(all(r["bytes_before"] > 0 and r["bytes_after"] > 0 and r["txid_age_before"] >= 0 for r in rows), rows)
        again = place.run(TOOL)
        equal((again["result"]["tables_vacuumed"], again["changes"], again["events"]), (0, [], []), "a second run")


def works_under_a_budget(version):
    with Given(version) as place:
        plant(place)
        changes = [c["statement"] for c in place.run(TOOL, cost_delay_ms=5, cost_limit=400)["changes"]]
        equal(changes[:2], ["SET vacuum_cost_delay TO '5ms'", "SET vacuum_cost_limit TO '400'"], "the budget")
        equal(changes[-2:], ["SET vacuum_cost_delay TO '0'", "SET vacuum_cost_limit TO '200'"], "put back")


def takes_named_tables_and_leaves_of_partitions(version):
    with Given(version) as place:
        plant(place, "asked", dead=10)
        place.sql("CREATE TABLE parts (id int) PARTITION BY RANGE (id);"
                  "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);"
                  "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);"
                  "CREATE VIEW seen AS SELECT 1;")
        document = place.run(TOOL, tables=["public.asked", "parts", "nowhere.at_all"])["result"]
        equal(sorted(r["table"] for r in document["results"]), ["asked", "parts_1", "parts_2"], "what was vacuumed")
        equal((dead(place, "asked"), vacuums(place, "parts_1"), vacuums(place, "parts_2")), (0, 1, 1), "the world")
        contains(document["skipped"], {"object": "nowhere.at_all", "reason": "there is no such table"})


def statistics(place, name="parts", column="n"):
    """What the planner takes for the most common value of a column, over all partitions."""
    return place.sql(f"SELECT coalesce((SELECT most_common_vals::text FROM pg_stats WHERE tablename = '{name}'"
                     f" AND attname = '{column}' AND inherited), 'none')")


def a_partitioned_table_is_analyzed_once_its_partitions_have_changed(version):
    with Given(version) as place:
        place.sql("CREATE TABLE parts (id int, n int) PARTITION BY RANGE (id);" + "".join(
            f"CREATE TABLE parts_{i} PARTITION OF parts FOR VALUES FROM ({i * 10_000}) TO ({i * 10_000 + 10_000})"
            " WITH (autovacuum_enabled=off);" for i in range(2)))
        place.sql("INSERT INTO parts SELECT g, 1 FROM generate_series(0, 19999) g")
        equal(statistics(place), "none", "nobody has analyzed it")
        planned = place.run(TOOL, plan=True, min_rows=1500)["result"]
        contains(str([r["reason"] for r in planned["results"] if r["table"] == "parts"]), "and nobody else has")
        place.run(TOOL, min_rows=1500)
        equal(statistics(place), "{1}", "its statistics")
        result = place.run(TOOL, min_rows=1500)["result"]
        equal(result.get("results", []), [], "and once is enough")
        place.sql("UPDATE parts SET n = 2 WHERE id < 1900")  # fewer than a tenth
        equal([r["table"] for r in place.run(TOOL, min_rows=1500, dead_ratio=1, plan=True)["result"].get("results", []) if r["table"] == "parts"], [],
              "too few")
        place.sql("UPDATE parts SET n = 2 WHERE id >= 16000")  # as many rows as before
        findings = [f for f in place.findings("identify_tables_needing_vacuum", min_rows=1500)
                    if f["kind"] == "partitioned_statistics_overdue"]
        equal([(f["object"], f["evidence"]["changed_rows_at_least"]) for f in findings], [("public.parts", 5900)], "found")
        equal(place.run(TOOL, tables=["parts_0", "parts_1"])["result"]["tables_vacuumed"], 2, "its leaves alone")
        equal(statistics(place), "{1}", "the parent's are as they were")
        place.sql("UPDATE parts SET n = 3 WHERE id < 3000")
        result = place.run(TOOL, min_rows=1500)["result"]
        row = next(r for r in result["results"] if r["table"] == "parts")
        equal((row["operation"], row["status"]), ("analyze", "success"), f"what was done: {row}")
        contains(row["reason"], "3000 rows of its leaves' 20000 were changed")
        equal(statistics(place), "{1,2,3}", "its statistics after that")


def leaves_locked_tables_alone(version):
    with Given(version) as place:
        plant(place)
        with somebody(place, "BEGIN", "LOCK TABLE t IN SHARE MODE"):
            result = place.run(TOOL)["result"]
            equal((result["tables_vacuumed"], result["tables_deferred"]), (0, 1), "deferred")
            contains(result["results"][0]["error"], "has ShareLock on it")
            equal((dead(place), vacuums(place)), (6000, 1), "the world")
            equal(place.waiting("vacuum_history")[0]["status"], "deferred", "vacuum_history")
        equal(place.run(TOOL)["result"]["tables_vacuumed"], 1, "afterwards")


def a_vacuum_that_cannot_help_is_not_repeated(version):
    with Given(version) as place:
        place.sql("CREATE TABLE other (id int)")
        with somebody(place, "BEGIN", "INSERT INTO other VALUES (1)"):
            plant(place, held=True)
            first = place.run(TOOL, holder_seconds=0)["result"]["results"][0]
            equal(first["status"], "deferred" if vacuums(place) == 1 else "held", f"first: {first}")
            contains(first["error"], "holds the rows back")
            count = vacuums(place)
            second = place.run(TOOL, holder_seconds=0)["result"]["results"][0]
            equal((second["status"], vacuums(place)), ("deferred", count), "the second is not begun")
        equal(place.run(TOOL)["result"]["dead_rows_removed"], 6000, "when the holder is gone")


def a_vacuum_that_somebody_holds_back_has_not_failed(version):
    """The holder is too young to be waited for, and came after the last vacuum: nobody knows before."""
    with Ward(version) as ward, Private(ward) as place:
        place.sql("CREATE TABLE other (id int)")
        with somebody(place, "SET application_name = 'holds'", "BEGIN", "INSERT INTO other VALUES (1)"):
            plant(place, held=True)
            result = place.run(TOOL)["result"]
            equal((result["tables_failed"], result["tables_held"], result["tables_vacuumed"]), (0, 1, 0), f"verdict: {result}")
            equal((len(result["results"]), vacuums(place), dead(place)), (1, 2, 6000), "it was tried once, and removed nothing")
            pid = place.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'holds'")
            contains(result["results"][0]["error"], f"it removed nothing: pid {pid} (idle in transaction, postgres on postgres)",
                     "have the application end its transaction")
            equal(place.waiting("vacuum_history")[-1]["status"], "held", "vacuum_history")
        equal(place.run(TOOL)["result"]["dead_rows_removed"], 6000, "the next run looks again")


@contextlib.contextmanager
def behind_a_standby(version):
    """A standby that holds the rows of its primary back by a slot, with a transaction that was read in the history since."""
    with Ward(version) as ward, Private(ward, more=KEEPS) as place:
        place.sql("SELECT pg_create_physical_replication_slot('far')")
        ward.standby()
        for setting in ("hot_standby_feedback = on", "wal_receiver_status_interval = '1s'", "primary_slot_name = 'far'"):
            ward.at_standby(f"ALTER SYSTEM SET {setting}")
        ward.at_standby("SELECT pg_reload_conf()")
        until(place, "SELECT xmin IS NOT NULL FROM pg_replication_slots WHERE slot_name = 'far'")
        yield ward, place


def a_slot_that_holds_rows_back_is_told_before(version):
    with behind_a_standby(version) as (ward, place):
        ward.at_standby("ALTER SYSTEM SET primary_conninfo = ''")
        ward.at_standby("SELECT pg_reload_conf()")
        until(place, "SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'far'")
        place.sql("CREATE TABLE other (id int)")
        place.run("check_txid_wraparound_risk")  # a reading
        plant(place, held=True)
        place.sql("VACUUM t")
        count = vacuums(place)
        equal(dead(place), 6000, "it has removed nothing")
        result = place.run(TOOL)["result"]["results"][0]
        equal((result["status"], vacuums(place)), ("deferred", count), f"not begun: {result}")
        contains(result["error"], "replication slot far (inactive) holds the rows back: let its consumer catch up")
        place.sql("SELECT pg_drop_replication_slot('far')")
        equal((place.run(TOOL)["result"]["dead_rows_removed"], dead(place)), (6000, 0), "once the slot is gone")


def a_slot_of_which_nobody_knows_since_when_is_named_and_tried(version):
    with behind_a_standby(version) as (_, place):
        seen = "SELECT xmin::text::bigint > {} FROM pg_replication_slots WHERE slot_name = 'far'"
        until(place, seen.format(plant(place, held=True)))
        later = plant(place, "later", rows=4_000, dead=2_000, held=True)
        planned = place.run(TOOL, plan=True)["result"]["results"]
        equal([r["status"] for r in planned], ["planned", "planned"], "a standby that follows keeps nobody from a vacuum")
        until(place, seen.format(later))
        equal((place.run(TOOL)["result"]["tables_vacuumed"], dead(place)), (2, 0), "and what it no longer sees goes")


def stops_when_the_load_rises_or_the_hour_is_wrong(version):
    with Given(version) as place:
        plant(place)
        hour = int(place.sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'HH24')"))
        elsewhere = f"{(hour + 3) % 24:02}:00-{(hour + 5) % 24:02}:00"
        result = place.run(TOOL, window=elsewhere)["result"]
        equal((result["tables_vacuumed"], result["tables_left"]), (0, None), "outside of the window")
        contains(result["stopped_because"], "not within")
        with somebody(place) as busy, somebody(place, "BEGIN", "LOCK TABLE t IN ACCESS SHARE MODE"):
            busy.stdin.write("SELECT pg_sleep(600);\n")
            busy.stdin.flush()
            mine = "query LIKE 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()"
            until(place, f"SELECT count(*) > 0 FROM pg_stat_activity WHERE {mine}")
            result = place.run(TOOL, most_active=0)["result"]
            contains(result["stopped_because"], "sessions work")
            place.sql(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {mine}")
        equal(dead(place), 6000, "the table")
        equal(place.run(TOOL, check=1, window="nine to five")["error"]["code"], "invalid", "a bad window")
        equal(place.run(TOOL, window=f"{hour:02}:00-{(hour + 2) % 24:02}:00")["result"]["tables_vacuumed"], 1, "in time")


def this_hour():
    return datetime.datetime.now(datetime.timezone.utc).hour


def window(first):
    return f"{first % 24:02}:00-{(first + 3) % 24:02}:00"


SNAPSHOT = "pg_stat_statements_dealloc_at_snapshot"


def has_been_busy_but_for(place, first, days=range(-5, 0)):
    """Statements ran in each hour of these days, and few in three of them; each snapshot leaves its mark."""
    key = {"granularity": "hour", "system_identifier": 1, "postmaster_start": midnight(-9), "userid": 1, "dbid": 1, "toplevel": True,
           "queryid": 1, "calls": 1, "total_exec_time": 1}
    put(place, "pg_stat_history", [{**key, "snapshot_timestamp": midnight(day, hour + 0.5),
                                    "calls_delta": 2 if (hour - first) % 24 < 3 else 5000} for day in days for hour in range(24)])
    put(place, "lakebase_metrics", [metric(SNAPSHOT, midnight(day, hour + 0.5), 0) for day in days for hour in range(24)])


def asked_each_hour_it_works_in_the_quiet_ones_once(version):
    """An hour may end meanwhile: what is open stays open for one more, and what is closed stays closed."""
    with Given(version, more=KEEPS) as place:
        plant(place)
        quiet = this_hour() + 8
        has_been_busy_but_for(place, quiet)
        result = place.run(TOOL, window="auto")["result"]
        equal((result["window"], result["window_from"]), (window(quiet), "learned from history"), "learned")
        contains(result["stopped_because"], "it is not within")
        has_been_busy_but_for(place, this_hour() - 1, days=range(-12, -5))
        equal(place.run(TOOL, window="auto")["result"]["window"], window(quiet), "what history has said holds for the day")
        runs = answer(place, "SELECT statements FROM tool_runs WHERE tool = 'schedule_vacuum_analyze'")
        equal([run["statements"] for run in runs], [0, 0], "the server is not asked, so that a compute that sleeps goes on sleeping")
        equal((dead(place), vacuums(place)), (6000, 1), "the world")
    with Given(version, more=KEEPS) as place:
        plant(place)
        has_been_busy_but_for(place, this_hour() - 1)
        planned = place.run(TOOL, plan=True, window="auto")["result"]
        equal((planned["tables_planned"], dead(place)), (1, 6000), "a plan is no pass")
        result = place.run(TOOL, window="auto")["result"]
        equal((result["tables_vacuumed"], result["stopped_because"], dead(place)), (1, None, 0), f"in the quiet hours: {result}")
        plant(place, "later")
        result = place.run(TOOL, window="auto")["result"]
        equal((result["stopped_because"], dead(place, "later")), ("this window has had its pass", 6000), "once in each opening")
        equal(place.run(TOOL, window="auto", tables=["later"])["result"]["tables_vacuumed"], 1, "but for who names one")
        plant(place, "other")
        equal(place.run(TOOL)["result"]["tables_vacuumed"], 1, "or wants it now")


def each_database_has_its_own_pass(version):
    """The hours are the branch's; in them the one's pass is not the other's."""
    with Branch(version) as branch, Given(version) as shop, Given(version) as books:
        now = window(this_hour() - 1)

        def done(database):
            result = branch.look_at(database).run(TOOL, window=now)["result"]
            return result["tables_vacuumed"], result["stopped_because"]

        for database in (shop, books):
            plant(database)
        equal([done(shop), done(books)], [(1, None), (1, None)], "each has one")
        for database in (shop, books):
            plant(database, "later")
        equal([done(shop), done(books)], [(0, "this window has had its pass")] * 2, "and no other one")
        equal([dead(database, "later") for database in (shop, books)], [6000, 6000], "the world")


def works_at_night_where_history_knows_nothing(version):
    with Given(version, more=KEEPS) as place:
        plant(place)
        has_been_busy_but_for(place, this_hour() - 1, days=[-2, -1])
        result = place.run(TOOL, window="auto")["result"]
        equal(result["window"], "02:00-05:00", "two days are too few")
        contains(result["window_from"], "history has too little")


def a_pass_that_was_broken_off_is_made_later(version):
    with Ward(version) as ward, Private(ward) as place:
        plant(place)
        now = window(this_hour() - 1)
        with at_work(place, 3):
            contains(place.run(TOOL, window=now, most_active=1)["result"]["stopped_because"], "3 sessions work")
        equal((place.run(TOOL, window=now)["result"]["tables_vacuumed"], dead(place)), (1, 0), "the next time")


def until_at_first(place, run):
    end = time.monotonic() + PATIENCE
    while vacuums(place, "first") == 1 and not run.done() and time.monotonic() < end:
        time.sleep(0.05)  # who asks without a rest keeps the run from its processor
    equal(vacuums(place, "first") > 1, True, "its rows are gone")
    equal(run.done(), False, "it is at the first yet")


def let_go(place):
    place.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
              " AND mode = 'ExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")


def a_table_that_goes_meanwhile_is_no_failure_of_the_others(version):
    with Given(version) as place:
        plant(place, "first", rows=3_000, dead=2_500)
        plant(place, "second", rows=3_000, dead=2_000)
        plant(place, "third", rows=3_000, dead=1_500)
        ask_first(place)
        with concurrent.futures.ThreadPoolExecutor() as aside, somebody(place, HOLD):
            document = aside.submit(place.run, TOOL)
            until_at_first(place, document)
            place.sql("DROP TABLE second")
            let_go(place)
            result = document.result()["result"]
        equal([(r["table"], r["status"]) for r in result["results"]],
              [("first", "success"), ("second", "failed"), ("third", "success")], "what became of each")
        contains(result["results"][1]["error"], "second is gone")
        equal((result["tables_failed"], dead(place, "first"), dead(place, "third")), (1, 0, 0), "the world")


def what_is_held_back_is_looked_at_again_in_the_end(version):
    with Ward(version) as ward, Private(ward) as place, concurrent.futures.ThreadPoolExecutor() as aside:
        place.sql("CREATE TABLE other (id int)")
        plant(place, "first", rows=3_000, dead=1_500)
        ask_first(place)
        with somebody(place, HOLD):
            with somebody(place, "BEGIN", "INSERT INTO other VALUES (1)"):
                plant(place, "worst", rows=10_000, dead=9_000, held=True)
                run = aside.submit(place.run, TOOL)
                until_at_first(place, run)
            let_go(place)
            result = run.result()["result"]
        equal([(r["table"], r["status"]) for r in result["results"]],
              [("worst", "held"), ("first", "success"), ("worst", "success")], "what became of each")
        equal((result["tables_vacuumed"], result["tables_held"], dead(place, "worst")), (2, 0, 0), "the world")


def each_is_counted_right_before_its_turn(version):
    with Ward(version) as ward, Private(ward) as place, concurrent.futures.ThreadPoolExecutor() as aside:
        for name, count in (("first", 2_500), ("second", 2_000), ("third", 1_500)):
            plant(place, name, rows=3_000, dead=count)
        ask_first(place)
        with somebody(place, HOLD):
            run = aside.submit(place.run, TOOL)
            until_at_first(place, run)
            place.sql("DELETE FROM second WHERE id BETWEEN 2001 AND 2600; SELECT pg_stat_force_next_flush()")
            place.sql("VACUUM ANALYZE third")
            let_go(place)
            results = {r["table"]: r for r in run.result()["result"]["results"]}
        equal({name: r["status"] for name, r in results.items()}, {"first": "success", "second": "success", "third": "deferred"},
              "what became of each")
        row = next(r for r in place.waiting("vacuum_history") if r["table_name"] == "second")
        equal((row["dead_tuples_before"], row["dead_tuples_after"]), (2600, 0), "as it was when its turn came")
        contains(results["second"]["reason"], "2600 dead rows")
        contains(results["third"]["error"], "somebody has vacuumed or analyzed it since this run began")
        equal(vacuums(place, "third"), 2, "not vacuumed twice")


@contextlib.contextmanager
def at_work(place, count):
    """So many sessions that work."""
    mine = "query = 'SELECT pg_sleep(600);' AND state = 'active' AND datname = current_database()"
    with contextlib.ExitStack() as crowd:
        for session in [crowd.enter_context(somebody(place)) for _ in range(count)]:
            session.stdin.write("SELECT pg_sleep(600);\n")
            session.stdin.flush()
        until(place, f"SELECT count(*) >= {count} FROM pg_stat_activity WHERE {mine}")
        try:
            yield
        finally:
            place.sql(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {mine}")


def stops_between_tables_when_people_come(version):
    with Ward(version) as ward, Private(ward) as place, concurrent.futures.ThreadPoolExecutor() as aside:
        plant(place, "first", rows=3_000, dead=2_500)
        plant(place, "second", rows=3_000, dead=2_000)
        ask_first(place)
        with somebody(place, HOLD):
            run = aside.submit(place.run, TOOL)
            until_at_first(place, run)
            with at_work(place, 12):
                let_go(place)
                result = run.result()["result"]
        equal([(r["table"], r["status"]) for r in result["results"]], [("first", "success")], "what was done")
        equal((result["tables_left"], result["stopped_because"]), (1, "12 sessions work, and 0 did at the start"), "what was not")
        equal((dead(place, "first"), dead(place, "second")), (0, 2000), "the world")
        with at_work(place, 9):
            equal(place.run(TOOL)["result"]["tables_vacuumed"], 1, "with as many as there may always be")
        equal(dead(place, "second"), 0, "in the end")


def a_table_is_broken_off_when_people_stay(version):
    """In the middle of its ANALYZE, which would go on for as long as somebody has a lock."""
    looks = {"load_look_seconds": 0.1, "load_looks": 3}
    with Ward(version) as ward, Private(ward) as place, concurrent.futures.ThreadPoolExecutor() as aside:
        plant(place, "first", rows=3_000, dead=2_500)
        plant(place, "second", rows=3_000, dead=2_000)
        ask_first(place)
        with somebody(place, HOLD):
            run = aside.submit(place.run, TOOL, **looks)
            until_at_first(place, run)
            with at_work(place, 12):
                result = run.result(timeout=PATIENCE)["result"]
            equal(place.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'VACUUM%' AND state = 'active'"), "0", "what goes on")
        equal([(r["table"], r["status"], r["error"], r["dead_rows_after"]) for r in result["results"]],
              [("first", "deferred", "it was vacuumed, and its ANALYZE stopped: the load rose", 0)], "what became of it")
        equal((result["tables_left"], result["stopped_because"]), (2, "the load rose while public.first was worked on"), "what was not done")
        equal(dead(place, "second"), 2000, "the other one")
        equal([r["status"] for r in place.waiting("vacuum_history")], ["deferred"], "vacuum_history")
        again = place.run(TOOL, **looks)["result"]
        equal({r["table"]: r["status"] for r in again["results"]}, {"first": "success", "second": "success"}, "the next run")


def says_what_it_may_not_vacuum(version):
    with Given(version) as place, Someone(place) as someone:
        plant(place)
        contains(someone.runs(TOOL), "may not vacuum it", "own it or its database, or have MAINTAIN")
        equal(dead(place), 6000, "dead rows")


def the_owner_of_the_database_may_vacuum_what_others_own(version):
    with Given(version) as place, Someone(place) as someone:
        plant(place)
        place.sql(f"ALTER DATABASE {place.database} OWNER TO {someone.role}")
        holds("may not vacuum" not in someone.runs(TOOL), "what it says")
        equal(dead(place), 0, "dead rows")


def from_17_on_the_right_is_maintain(version):
    """Of the owner as well, who has it until it is revoked."""
    if int(version) < 17:
        return
    with Given(version) as place, Someone(place) as someone:
        plant(place)
        place.sql(f"ALTER TABLE t OWNER TO {someone.role}; REVOKE MAINTAIN ON t FROM {someone.role}")
        contains(someone.runs(TOOL), "may not vacuum it")
        equal(dead(place), 6000, "dead rows")
        place.sql(f"ALTER TABLE t OWNER TO postgres; GRANT MAINTAIN ON t TO {someone.role}")
        holds("may not vacuum" not in someone.runs(TOOL), "what it says")
        equal(dead(place), 0, "dead rows")


suite(*each_version(a_partitioned_table_is_analyzed_once_its_partitions_have_changed, removes_dead_rows_worst_first, works_under_a_budget, takes_named_tables_and_leaves_of_partitions,
                    leaves_locked_tables_alone, a_vacuum_that_cannot_help_is_not_repeated,
                    a_vacuum_that_somebody_holds_back_has_not_failed, what_is_held_back_is_looked_at_again_in_the_end,
                    each_is_counted_right_before_its_turn,
                    stops_when_the_load_rises_or_the_hour_is_wrong, asked_each_hour_it_works_in_the_quiet_ones_once, each_database_has_its_own_pass,
                    a_slot_that_holds_rows_back_is_told_before, a_slot_of_which_nobody_knows_since_when_is_named_and_tried,
                    works_at_night_where_history_knows_nothing, a_pass_that_was_broken_off_is_made_later, a_table_that_goes_meanwhile_is_no_failure_of_the_others,
                    stops_between_tables_when_people_come, a_table_is_broken_off_when_people_stay, says_what_it_may_not_vacuum,
                    the_owner_of_the_database_may_vacuum_what_others_own, from_17_on_the_right_is_maintain), at_once=4)
