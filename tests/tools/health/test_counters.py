"""monitor_system_health's findings: what the counters of a server say between two readings, planted on private servers that
nobody else works on."""

import subprocess

from health_place import memory, on_each
from incident_place import Bed, Ward
from place import equal, holds, suite

TOOL = "monitor_system_health"
HOUR_US = 3600 * 1000000


def found(place, **params):
    return {f["kind"]: f for f in place.findings(TOOL, **params)}


def counted(place):
    """A session's figures are among the server's when it has gone."""
    place.until("SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")


def transactions(place, committed, rolled_back):
    place.sql("SELECT 1;\n" * committed + "BEGIN;\nROLLBACK;\n" * rolled_back)
    counted(place)


def sessions(place, count):
    """One after the other, each with a statement, each ended as it should be."""
    (place.dir / "nothing.sql").write_text("SELECT 1;\n")
    done = subprocess.run([f"{place.ward.field('bin')}/pgbench", "-n", "-C", "-t", str(count), "-f",
                           str(place.dir / "nothing.sql"), place.url()], capture_output=True, text=True, check=False)
    equal(done.returncode, 0, done.stderr)
    counted(place)


def lost(place, count):
    """Sessions whose clients are killed."""
    people = [place.person("postgres") for _ in range(count)]
    for person in people:
        person.process.kill()
        person.leave()
    counted(place)


def rollbacks_are_a_share_of_what_was_since_the_reading_before(version):
    with Ward(version) as ward, Bed(ward) as place:
        transactions(place, 0, 3000)  # before the first reading: nobody's business
        equal(found(place), {}, "of a first reading")
        transactions(place, 300, 400)
        equal(found(place), {}, "of too few")
        transactions(place, 2000, 100)
        equal(found(place), {}, "of a small share")
        transactions(place, 900, 300)
        one = found(place)["rollback_share"]
        facts = one["evidence"]
        holds(300 <= facts["transactions_rolled_back"] < 350 and 900 <= facts["transactions_committed"] < 1100, str(one))
        equal((facts["share"], facts["limit"]),
              (facts["transactions_rolled_back"] / (facts["transactions_rolled_back"] + facts["transactions_committed"]), 0.1),
              "its share")
        holds(one["reason"].startswith("warning: 2") and "rolled back" in one["reason"], one["reason"])
        equal(one["object"], place.database, "where")
        equal(found(place), {}, "and of nothing more")
        transactions(place, 900, 300)
        equal(found(place, max_rollback_share=0.5), {}, "with another limit")
        transactions(place, 0, 2000)
        place.sql("SELECT pg_stat_reset()")
        transactions(place, 0, 2000)
        equal(found(place), {}, "across a reset")
        transactions(place, 0, 2000)
        equal(list(found(place)), ["rollback_share"], "and from there on again")


def sessions_that_come_go_and_are_lost_are_told(version):
    with Ward(version) as ward, Bed(ward) as place:
        sessions(place, 200)
        equal(found(place), {}, "of a first reading")
        sessions(place, 50)
        lost(place, 10)
        equal(found(place), {}, "of too few")
        sessions(place, 400)
        lost(place, 10)
        both = found(place)
        equal(sorted(both), ["abandoned_sessions", "session_churn"], "kinds")
        churn, abandoned = both["session_churn"]["evidence"], both["abandoned_sessions"]["evidence"]
        seen = churn["counted"]
        holds(410 <= seen["sessions"] < 450 and seen["sessions_abandoned"] == 10, str(seen))  # ours take leave
        equal((seen["sessions_killed"], seen["sessions_fatal"]), (0, 0), "ended in other ways")
        equal((round(churn["sessions_per_second"] * churn["interval_seconds"]), churn["limit"]), (seen["sessions"], 5), "the rate")
        equal((abandoned["share"], abandoned["limit"], abandoned["counted"]),
              (seen["sessions_abandoned"] / seen["sessions"], 0.01, seen), "the share")
        holds(both["abandoned_sessions"]["reason"].startswith("warning: the clients of 1"), str(both))
        sessions(place, 110)
        lost(place, 12)
        worse = found(place, max_sessions_per_s=1000000)
        equal([(k, f["reason"].split(":")[0], f["evidence"]["limit"]) for k, f in worse.items()],
              [("abandoned_sessions", "critical", 0.05)], "a larger share, and another limit")


def an_archiver_that_fails_is_told_until_it_works(version):
    state = "SELECT failed_count > {} AND last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver"
    with Ward(version, archive_mode="on", archive_command="'true'") as ward, Bed(ward) as place:
        def archive(command):
            place.at_server(f"ALTER SYSTEM SET archive_command = '{command}'")
            place.at_server("SELECT pg_reload_conf()")
            place.until(f"SELECT setting = '{command}' FROM pg_settings WHERE name = 'archive_command'")

        def switch():
            place.sql("CREATE TABLE IF NOT EXISTS t (id int); INSERT INTO t VALUES (1); SELECT pg_switch_wal()")

        switch()
        place.until("SELECT archived_count > 0 FROM pg_stat_archiver")
        equal((found(place), found(place)), ({}, {}), "of one that works")
        archive("false")
        switch()
        place.until(state.format(0))
        one = found(place)["wal_archiver_fails"]
        facts = one["evidence"]
        holds(facts["wal_archive_failures"] >= 1 and facts["archiver"]["is_stuck"] is True, str(facts))
        equal(facts["archiver"]["last_failed_wal"],
              place.at_server("SELECT last_failed_wal FROM pg_stat_archiver"), "which file")
        holds(one["reason"].startswith("critical: WAL cannot be archived"), one["reason"])
        failed = place.at_server("SELECT failed_count FROM pg_stat_archiver")
        switch()
        place.until(state.format(failed))
        archive("true")
        switch()
        place.until("SELECT last_archived_time > last_failed_time FROM pg_stat_archiver")
        equal(found(place), {}, "of one that works again, whatever failed before")
        archive("false")
        place.sql("SELECT pg_stat_reset_shared('archiver')")
        switch()
        place.until(state.format(0))
        equal(found(place), {}, "across a reset")


def day_before(place, hours, open_sessions, busy):
    """As if so many sessions had been open for so long, and so busy: the mark of back then is what it would have been."""
    with memory(place, TOOL) as body:
        at, session_ms, active_ms = body["session_day"]["marks"][-1]
        opened = open_sessions * hours * 3600 * 1000
        body["session_day"]["marks"] = [[at - hours * HOUR_US, session_ms - opened, active_ms - busy * opened]]


def marks(place):
    with memory(place, TOOL) as body:
        return len(body["session_day"]["marks"])


def sessions_that_idle_all_day_are_too_many(version):
    with Ward(version) as ward, Bed(ward) as place:
        def ratio():
            return [r["metric_value"] for r in place.waiting("lakebase_metrics") if r["metric_name"] == "session_busy_ratio"]

        equal(found(place), {}, "of a first reading")
        day_before(place, 23, 40, 0.1)
        equal((found(place), ratio()), ({}, []), "of less than a day")
        day_before(place, 25, 40, 0.1)
        place.run(TOOL, views=["pg_locks"])  # reads no sessions, and forgets none
        one = found(place)["pool_too_large"]
        facts = one["evidence"]
        holds(0.099 < facts["busy_share"] < 0.101 and 39 < facts["open_sessions"] < 41, str(facts))
        holds(25 * 3600 <= facts["interval_seconds"] < 26 * 3600 and facts["limit"] == 0.2, str(facts))
        holds("of 40 sessions that are open at a time, 4.0 are at work" in one["reason"], one["reason"])
        equal(ratio(), [facts["busy_share"]], "what history has of it")
        equal((list(found(place)), marks(place)), (["pool_too_large"], 2), "at the next reading, too")
        equal(found(place, min_busy_share=0.05), {}, "with another limit")
        day_before(place, 25, 40, 0.3)
        equal(found(place), {}, "of busy ones")
        day_before(place, 25, 5, 0.1)
        equal(found(place), {}, "of a few")
        day_before(place, 25, 40, 0.1)
        place.sql("SELECT pg_stat_reset()")
        equal((found(place), marks(place)), ({}, 1), "across a reset, where the day begins anew")


suite(*on_each(rollbacks_are_a_share_of_what_was_since_the_reading_before, sessions_that_come_go_and_are_lost_are_told,
               an_archiver_that_fails_is_told_until_it_works, sessions_that_idle_all_day_are_too_many))
