"""evaluate_alert_thresholds: each of the eight fires on a server that is in that trouble, once, and is over when it is."""

import contextlib
import datetime
import json
import os
import pathlib
import socket
import struct
import subprocess
import urllib.parse

from databases import Branch
from health_place import Clinic, memory, on_each
from place import PROGRAM, VERSIONS, Given, contains, equal, holds, suite
from planted import KEEPS, midnight, plant
from threshold_place import QUICK, judge, limit, make_deadlock, states, told
from ward import HARNESS

EIGHT = ["cache_hit_ratio", "connection_utilization", "dead_tuple_ratio", "lock_wait_time", "deadlocks_per_hour",
         "slow_query_time", "txid_age", "replication_lag"]
BREACHED = {"cache_hit_ratio": 0.9, "connection_utilization": 0.9, "dead_tuple_ratio": 0.3, "lock_wait_time": 200,
            "deadlocks_per_hour": 9, "slow_query_time": 40, "txid_age": 1.1e9, "replication_lag": 90}
FINE = {"cache_hit_ratio": 0.999, "connection_utilization": 0.1, "dead_tuple_ratio": 0, "lock_wait_time": 0,
        "deadlocks_per_hour": 0, "slow_query_time": 0, "txid_age": 1000, "replication_lag": 0}


def eight_at_once_are_eight_alerts(version):
    with Clinic(version) as place:
        first = judge(place, BREACHED)
        equal(told(first), sorted(("breached", m) for m in EIGHT), "told")
        equal((first["result"]["opened"], first["result"]["alerts_triggered"]), (8, 8), "opened")
        equal({a["level"] for a in first["result"]["alerts"]}, {"critical"}, "level")
        equal(len({a["incident"] for a in first["result"]["alerts"]}), 1, "one incident")
        again = judge(place, BREACHED)
        equal((told(again), set(states(again).values())), ([], {"open"}), "the same breach again")
        over = judge(place, FINE)
        equal(told(over), sorted(("cleared", m) for m in EIGHT), "over")
        equal(told(judge(place, FINE)), [], "and stays so")


def a_branch_that_is_made_again_begins_anew(version):
    """Under the name of one that had alerts: these are over, and its own are told, also where nobody said that it was deleted."""
    with Clinic(version, kind="throwaway") as place:
        place.is_known()
        equal(len(told(judge(place, BREACHED))), 8, "the old one's alerts")
        equal(told(judge(place, BREACHED)), [], "it is still the same one")
        place.is_made_again()
        again = judge(place, {"txid_age": 1.1e9})
        equal(told(again), sorted([("cleared", m) for m in EIGHT] + [("breached", "txid_age")]), "the new one's first evaluation")
        ends = [e for e in again["events"] if e["type"] == "threshold.cleared"]
        equal([e["type"] for e in again["events"]][-1], "threshold.breached", "ends come first")
        holds(all("another one has its name now" in e["payload"]["text"] for e in ends), str(ends))
        equal((states(again), again["result"]["open"]), ({"txid_age": "opened"}, 1), "what is open")
        judge(place, {"txid_age": 6e8, "cache_hit_ratio": 0.9}, fire_after=3)
        place.is_made_again()
        fresh = judge(place, {"cache_hit_ratio": 0.9}, fire_after=3)
        equal(told(fresh), [("cleared", "txid_age")], "breaches of the old one are not counted")
        equal([told(judge(place, {"cache_hit_ratio": 0.9}, fire_after=3)) for _ in range(2)], [[], [("breached", "cache_hit_ratio")]],
              "three of its own are")
        place.is_made_again()
        equal(told(judge(place, FINE)), [("cleared", "cache_hit_ratio")], "one that is well")


def the_clear_level_is_stated_and_needed(version):
    with Clinic(version) as place:
        opened = judge(place, {"connection_utilization": 0.75})["result"]["alerts"][0]
        equal((opened["state"], opened["level"], round(opened["clear_level"], 6)), ("opened", "warning", 0.63), "opened")
        equal(told(judge(place, {"connection_utilization": 0.65})), [], "between the levels")
        worse = judge(place, {"connection_utilization": 0.9})
        equal(states(worse), {"connection_utilization": "escalated"}, "worse")
        equal(worse["events"][0]["payload"]["threshold"], 0.85, "limit")
        judge(place, {"connection_utilization": 0.65})
        over = judge(place, {"connection_utilization": 0.62})
        equal((told(over), round(over["events"][0]["payload"]["threshold"], 6)),
              ([("cleared", "connection_utilization")], 0.63), "over")


def what_flaps_keeps_quiet(version):
    with Clinic(version) as place:
        count = 0
        for i in range(12):
            count += len(judge(place, {"txid_age": 6e8 if i % 2 == 0 else 1})["events"])
        holds(count <= 4, f"{count} events for 12 swings")
        equal(states(judge(place, {"txid_age": 6e8})), {"txid_age": "flapping"}, "state")


def the_manifest_has_its_say(version):
    with Clinic(version) as place:
        place.write(limit("txid_age", 5, 10) + limit("txid_age", 100, 1000, branch=place.database)
                    + limit("replication_lag", 1, 2, branch="elsewhere"))
        equal([a["level"] for a in judge(place, {"txid_age": 500})["result"]["alerts"]], ["warning"], "its own limit")
        equal(judge(place, {"replication_lag": 5})["result"].get("alerts"), None, "another branch's")
        place.write('[[windows]]\nname = "works"\nkind = "pause"\nopens = "* * * * *"\nlasts_min = 1\n')
    with Clinic(version, more='[[windows]]\nname = "works"\nkind = "pause"\nopens = "0 * * * *"\nlasts_min = 59\n'
                              '[[windows]]\nname = "works"\nkind = "pause"\nopens = "59 * * * *"\nlasts_min = 1\n') as place:
        quiet = judge(place, BREACHED)
        equal((told(quiet), set(states(quiet).values())), ([], {"silenced"}), "a pause")
        equal(quiet["result"]["paused_by"], "works", "which")
        place.write("")
        equal(judge(place, BREACHED)["result"]["opened"], 8, "when it is over they are told")


def a_limit_says_whose_it_is():
    with Clinic(VERSIONS[-1]) as place:
        def origin():
            told = judge(place, BREACHED)
            judge(place, FINE)
            return {e["payload"]["metric"]: e["payload"]["detail"]["limit_is"] for e in told["events"]}, told
        product, told = origin()
        equal(set(product.values()), {"the product's default, not measured on this target"}, "without a manifest")
        unmeasured = {f["kind"]: f["confidence"]["value"] for f in told["result"]["findings"]}
        place.write(limit("txid_age", 5, 10, set_by="ada", set_on="2026-01-31", reason="it fell over at 12")
                    + limit("lock_wait_time", 1, 2))
        own, told = origin()
        equal((own["txid_age"], own["lock_wait_time"], own["cache_hit_ratio"]),
              ("set by ada on 2026-01-31: it fell over at 12", "the manifest's, which does not say who set it or why",
               "the product's default, not measured on this target"), "each its own")
        sure = {f["kind"]: f["confidence"]["value"] for f in told["result"]["findings"]}
        holds(sure["txid_age"] > unmeasured["txid_age"], f"a number that somebody stands for is worth more: {sure}, {unmeasured}")
        equal(sure["cache_hit_ratio"], unmeasured["cache_hit_ratio"], "the others are what they were")


def hour():
    return datetime.datetime.now(datetime.timezone.utc).hour


def what_is_usual_at_this_hour_stands_beside_a_breach():
    with Clinic(VERSIONS[-1]) as place:
        began = hour()
        for _ in range(13):
            judge(place)
        place.write(limit("txid_age", 1, 1e9))
        payload = next(e["payload"] for e in judge(place)["events"] if e["payload"]["metric"] == "txid_age")
        usual = payload["detail"]["usual"]
        is_new_hour = hour() != began and "not known yet" in usual  # what is usual is known by the hour of the day
        holds(is_new_hour or usual.endswith((" 12 readings", " 13 readings")), usual)
    with Clinic(VERSIONS[-1]) as place:
        judge(place)
        place.write(limit("txid_age", 1, 1e9))
        payload = next(e["payload"] for e in judge(place)["events"] if e["payload"]["metric"] == "txid_age")
        contains(payload["detail"]["usual"].replace("0 readings", "1 reading"), ": 1 reading of this hour, and ")  # 0: a new hour


def what_cannot_be_seen_is_an_alert(version):
    """Somebody takes a view away: two readings are patient, the third tells, and the first that sees again ends it."""
    with Clinic(version) as place:
        place.be(place.role("watcher", "LOGIN IN ROLE pg_monitor"))
        place.sql("REVOKE SELECT ON pg_locks FROM public")
        seen = [told(judge(place)) for _ in range(4)]
        equal(seen, [[], [], [("breached", "cannot_see")], []], "what is told")
        place.sql("GRANT SELECT ON pg_locks TO public")
        over = judge(place)
        equal(told(over), [("cleared", "cannot_see")], "it is seen again")
        holds(over["events"][0]["payload"]["lasted_s"] > 0, "how long that was")
        equal(told(judge(place)), [], "and that is all")


def other_limits_are_held_against_history():
    """Three days of readings with two short peaks and one long: 0.8 instead of 0.7 misses what stayed below it."""
    with Clinic(VERSIONS[-1], more=KEEPS) as place:
        rows, peaks = [], {100: 0.75, 101: 0.75, 300: 0.9, 301: 0.92, 302: 0.9, 500: 0.78}
        for i in range(3 * 288):
            rows.append({"snapshot_timestamp": midnight(-3, i / 12), "metric_name": "connection_utilization",
                         "metric_value": peaks.get(i, 0.3), "threshold_level": "normal"})
        plant(place, "lakebase_metrics", rows)
        asked = judge(place, what_if={"connection_utilization": {"warning": 0.8, "critical": 0.95}})
        answer = asked["result"]["what_if"][0]
        equal((answer["readings"], answer["as_it_is"]["told"], answer["as_asked"]["told"], answer["missed"], answer["added"]),
              (864, 3, 1, 2, 0), str(answer))
        equal([round(m["worst"], 6) for m in asked["result"]["missed"]], [0.75, 0.78], "what it misses")
        holds("told 1 time instead of 3, missing 2 incidents" in answer["summary"], answer["summary"])
        equal(asked["events"], [], "nobody is told")
        patient = judge(place, what_if={"connection_utilization": {"fire_after": 2}})["result"]
        equal([round(m["worst"], 6) for m in patient["missed"]], [0.78], "what lasts for one reading")
        for wrong in ({"rain": {"warning": 1}}, {"txid_age": {}}, {"txid_age": {"warnings": 1}}, {}, {"txid_age": 7}):
            equal(judge(place, what_if=wrong, check=1)["error"]["code"], "invalid", str(wrong))


def figures(place, name, values, apart=5, of=None, start=None):
    """Readings of it, so many minutes apart, from three days ago on."""
    start = midnight(-3) if start is None else start
    plant(place, "lakebase_metrics", [
        {"snapshot_timestamp": start + datetime.timedelta(minutes=i * apart), "metric_name": name, "metric_value": value,
         "threshold_level": "normal", "object_name": of} for i, value in enumerate(values)])


def what_is_read_each_minute_is_judged_as_an_evaluation_would():
    """What lasts for less than five minutes may fall between two evaluations, and six minutes can be two of them."""
    with Clinic(VERSIONS[-1], more=KEEPS) as place:
        figures(place, "connection_utilization", [0.9 if i in (4, 31, 32) or 124 <= i < 130 else 0.3 for i in range(150)], 1)
        told = judge(place, what_if={"connection_utilization": {"fire_after": 2}})["result"]
        answer = told["what_if"][0]
        equal((answer["readings"], answer["as_it_is"]["incidents"], answer["as_asked"]["incidents"]), (30, 2, 1), str(answer))
        equal(told.get("skipped", []), [], "all of it was looked at")


def what_has_gone_is_over_in_history_too():
    """A table that was read only while it was in trouble, on three days, and never since."""
    with Clinic(VERSIONS[-1], more=KEEPS) as place:
        for day in (-20, -10, -2):
            figures(place, "dead_tuple_ratio", [0.5, 0.5, 0.5], of="public.a", start=midnight(day))
        answer = judge(place, what_if={"dead_tuple_ratio": {"clear_after": 2}})["result"]["what_if"][0]
        equal([(side["incidents"], round(side["open_hours"], 6)) for side in (answer["as_it_is"], answer["as_asked"])],
              [(3, 0.75), (3, 1.0)], str(answer))


def an_age_that_comes_down_opens_nothing_in_history_either():
    """Tables that are frozen one after the other: past the limit for hours, and less at each reading."""
    with Clinic(VERSIONS[-1], more=KEEPS) as place:
        figures(place, "txid_age", [9e8 - i * 2e7 for i in range(24)] + [1e8] * 4)
        answer = judge(place, fire_after=2, what_if={"txid_age": {"warning": 6e8}})["result"]["what_if"][0]
        equal((answer["readings"], answer["as_it_is"]["told"], answer["as_asked"]["told"]), (28, 0, 0), str(answer))


def more_than_is_looked_at_is_said():
    """The newest are looked at, whichever object they are of."""
    with Clinic(VERSIONS[-1], more=KEEPS) as place:
        figures(place, "dead_tuple_ratio", [0.5] * 4, of="public.a", start=midnight(-9))
        figures(place, "dead_tuple_ratio", [0.5] * 4, of="public.z", start=midnight(-2))
        told = judge(place, what_if={"dead_tuple_ratio": {"warning": 0.6, "critical": 0.7}}, what_if_most=4)["result"]
        equal(([m["object"] for m in told["missed"]], told["what_if"][0]["readings"]), (["public.z"], 4), "the newest")
        equal([s["object"] for s in told["skipped"]], ["older readings of dead_tuple_ratio"], "and that there are more")
        holds("the newest 4 readings" in told["skipped"][0]["reason"], told["skipped"])
        whole = judge(place, what_if={"dead_tuple_ratio": {"warning": 0.6, "critical": 0.7}})["result"]
        equal(([m["object"] for m in whole["missed"]], whole.get("skipped", [])), (["public.a", "public.z"], []), "all of it")


def a_real_server_in_trouble(version):
    """Seven of them planted at once on a server, with limits that a test can reach; then all of it taken away."""
    with Clinic(version) as place:
        place.write("".join([limit("connection_utilization", 0.05, 0.9), limit("lock_wait_time", 0.2, 60),
                             limit("deadlocks_per_hour", 0.5, 50), limit("slow_query_time", 0.6, 60),
                             limit("txid_age", 1, 1e9), limit("replication_lag", 0.01, 1000),
                             limit("cache_hit_ratio", 1.0, 0.1, below=True)]))
        place.sql('CREATE EXTENSION pg_stat_statements; CREATE TABLE "Big One" (id int, note text);'
                  ' CREATE TABLE two (id int); INSERT INTO two VALUES (1), (2); GRANT ALL ON two, "Big One" TO public;'
                  ' ALTER TABLE "Big One" SET (autovacuum_enabled = off);'
                  ' INSERT INTO "Big One" SELECT i, repeat(\'x\', 300) FROM generate_series(1, 2000) i; ANALYZE')
        slot = f"slot_{place.database}"[:60]
        place.sql(f"SELECT pg_create_physical_replication_slot('{slot}', true)")
        role = place.role("clerk")
        first = judge(place, **QUICK)
        holds("deadlocks_per_hour" in {u["metric"] for u in first["result"]["unknown"]}, "a first reading knows no rate")
        people = [place.person(role) for _ in range(6)]
        place.sql('DELETE FROM "Big One" WHERE id % 2 = 0; CHECKPOINT; SELECT pg_stat_force_next_flush()')
        make_deadlock(people)
        people[0].say("BEGIN; UPDATE two SET id = id WHERE id = 1")
        people[1].start("UPDATE two SET id = id WHERE id = 1")
        place.sql("SELECT pg_sleep(1.1)")
        place.sql('DISCARD ALL; SELECT count(*) FROM "Big One" a, pg_class b; SELECT pg_stat_force_next_flush()')
        seen = judge(place, **QUICK)
        found = {a["metric"]: a for a in seen["result"]["alerts"]}
        missing = set(EIGHT) - set(found) - {"cache_hit_ratio"}
        equal(missing, set(), f"not seen: {json.dumps(seen['result'])[:1500]}")
        equal(found["dead_tuple_ratio"]["object"], "public.Big One", "object")
        breach = {e["payload"]["metric"]: e["payload"] for e in seen["events"]}
        equal((breach["dead_tuple_ratio"]["schema"], breach["dead_tuple_ratio"]["table"]), ("public", "Big One"), "table")
        wait, since = breach["lock_wait_time"]["detail"]["evidence"], breach["lock_wait_time"]["since"]
        equal([wait[k] for k in ("pid", "root_pid", "root_user", "root_application")],
              [people[1].pid, people[0].pid, role, "app"], "who waits, and for whom")
        equal(place.sql(f"SELECT '{since}'::timestamptz < '{wait['waiting_since']}'::timestamptz + interval '0.7 s'"), "t",
              f"since the wait began, and not since it was seen: {since}, {wait}")
        holds(found["slow_query_time"]["value"] > 0.6, "the slow statement")
        people[0].say("ROLLBACK")
        for person in people:
            person.leave()
        place.sql(f"SELECT pg_drop_replication_slot('{slot}')")
        place.sql('VACUUM "Big One"')
        place.until(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = '{role}'")
        after = judge(place, **QUICK)
        cleared = {m for kind, m in told(after) if kind == "cleared"}
        holds({"dead_tuple_ratio", "lock_wait_time", "replication_lag"} <= cleared, f"over: {cleared}")


def batch_work_is_no_slow_query(version):
    """Of a role or an application that is listed: it is left out and counted, and hides nobody else's statement."""
    with Clinic(version) as place:
        place.write(limit("slow_query_time", 0.6, 60))
        place.sql("CREATE EXTENSION pg_stat_statements")
        batch, clerk = place.role("etl"), place.role("clerk")

        def look(**lists):
            done = judge(place, **QUICK, **lists)
            slow = [e["payload"]["detail"]["evidence"]["statement"] for e in done["events"]
                    if e["type"] == "threshold.breached" and e["payload"]["metric"] == "slow_query_time"]
            return slow, {s["object"]: s["reason"] for s in done["result"]["skipped"] if "batch work" in s["reason"]}

        def sleeps(user, application):
            person = place.person(user, application)
            person.start("SELECT pg_sleep(600)")
            place.until("SELECT clock_timestamp() - query_start > interval '1 s' FROM pg_stat_activity"
                        f" WHERE pid = {person.pid} AND wait_event = 'PgSleep'")
            return person

        equal(look(batch_roles=[batch]), ([], {}), "a first look")
        place.person(batch).say("SELECT pg_sleep(1.1)")
        slow, left_out = look(batch_roles=[batch])
        equal((slow, left_out), ([], {"pg_stat_statements (batch work)": "1 statements of batch work took over 0.5 s: that is expected of it"}),
              "what is counted")
        for _ in range(6):
            sleeps(clerk, "nightly")
        sleeps(batch, "psql")
        slow, left_out = look(batch_roles=[batch], batch_applications=["nightly"])
        equal((slow, left_out["pg_stat_activity (statements)"]),
              ([], "7 statements of batch work run for over 0.5 s: that is expected of it"), "what runs")
        seen = {m["metric"]: m["value"] for m in place.run("monitor_system_health")["result"]["metrics"]}
        holds(seen["slow_query_time"] > 1, f"without the lists it is: {seen}")
        kept = place.run("monitor_system_health", batch_roles=[batch], batch_applications=["nightly"])["result"]
        seen = {m["metric"]: m["value"] for m in kept["metrics"]}
        equal(seen["slow_query_time"], 0, f"of what monitoring keeps: {seen}")
        holds("7 statements of batch work run for over 0.5 s" in str(kept["skipped"]), str(kept["skipped"]))
        waits = sleeps(clerk, "app")
        slow, left_out = look(batch_roles=[batch], batch_applications=["nightly"])
        equal(([s["pid"] for s in slow], len(left_out)), ([waits.pid], 2), "what somebody waits for")


def maintenance_is_no_slow_query(version):
    """VACUUM and CREATE INDEX take their time by nature; what we send is nobody's statement."""
    with Clinic(version) as place:
        place.write(limit("slow_query_time", 0.6, 60))
        clerk = place.role("clerk")
        place.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 5000);"
                  " CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql"
                  f" AS 'BEGIN PERFORM pg_sleep(1.5); RETURN 1; END'; ALTER TABLE t OWNER TO {clerk}")

        def look(tool):
            done = place.run(tool, **(QUICK if tool == "evaluate_alert_thresholds" else {}))
            with memory(place, tool) as body:
                counters = body["views"]["pg_stat_statements"]["counters"]
            roles = {key.split("/")[1] for key in counters if key.startswith("statement_calls")}
            return done, place.at_server(f"SELECT oid FROM pg_roles WHERE rolname = '{clerk}'") in roles

        tools = ("evaluate_alert_thresholds", "monitor_system_health")
        equal([look(tool)[1] for tool in tools], [False, False], "before")
        person = place.person(clerk)
        person.say("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1")
        for text in ("VACUUM t", "CREATE INDEX ON t (slow(id)) WHERE id = 1", "SELECT pg_sleep(1.1), 1 /* lbops */"):
            person.say(text)
        slow = place.sql(f"SELECT count(*) FROM pg_stat_statements WHERE max_exec_time > 500 AND userid = '{clerk}'::regrole")
        holds(int(slow) >= 2, f"{slow} took long")
        equal([look(tool)[1] for tool in tools], [False, False], "they are followed by nobody")
        person.say("SELECT pg_sleep(1.1)")
        (done, judged), (_, kept) = map(look, tools)
        equal((judged, kept), (True, True), "a statement of theirs")
        slow, = [a for a in done["result"]["alerts"] if a["metric"] == "slow_query_time"]
        holds(slow["value"] > 1, str(slow))


def batch_work_of_days_gone_by_counts_for_nothing():
    """Of readings whose worst statement was that of a batch role or application, one of a clerk's is left."""
    with Clinic(VERSIONS[-1], more=KEEPS) as place:
        whose = {20: {"user": "etl"}, 60: {"user": "clerk", "application": "nightly"}, 100: {"user": "clerk", "application": "app"},
                 140: {"queryid": "7"}}
        plant(place, "lakebase_metrics", [
            {"snapshot_timestamp": midnight(-3, i / 12), "metric_name": "slow_query_time", "metric_value": 90.0 if i in whose else 0.1,
             "threshold_level": "normal", "detail": json.dumps({"basis": "runs now", "statement": whose.get(i)})} for i in range(200)])
        asks = {"what_if": {"slow_query_time": {"warning": 60, "critical": 80}}}

        def incidents(**lists):
            result = judge(place, **asks, **lists)["result"]
            answer = result["what_if"][0]
            return ([answer[side]["incidents"] for side in ("as_it_is", "as_asked")],
                    [s["reason"].partition(",")[0] for s in result["skipped"] if "batch work" in s["object"]])
        equal(incidents(), ([4, 4], []), "nobody is expected to take long")
        equal(incidents(batch_roles=["etl"]), ([3, 3], ["1 reading is of batch work"]), "a role")
        equal(incidents(batch_roles=["etl"], batch_applications=["nightly"]), ([2, 2], ["2 readings are of batch work"]), "and an application")
        equal(incidents(batch_roles=["et", "etl2"]), ([4, 4], []), "names are whole")


def dead_rows_count_once_autovacuum_is_due_and_say_who_keeps_them(version):
    """The same share of dead rows in two tables: autovacuum would come for one of them, and not for the other, whose own
    threshold is higher. What keeps them is named once it is old enough to be blamed."""
    with Clinic(version) as place:
        for table, due in (("due", 50), ("not_due", 100000)):
            place.sql(f"CREATE TABLE {table} (id int) WITH (autovacuum_enabled = off, autovacuum_vacuum_threshold = {due});"
                      f" INSERT INTO {table} SELECT generate_series(1, 1000); ANALYZE {table};"
                      f" DELETE FROM {table} WHERE id <= 600; SELECT pg_stat_force_next_flush()")

        def dead():
            found = [f for f in judge(place, **QUICK)["result"]["findings"] if f["kind"] == "dead_tuple_ratio"]
            return {f["object"]: f for f in found}
        seen = dead()
        equal(set(seen), {"public.due"}, "autovacuum is not due for the other one")
        finding = seen["public.due"]
        holds(finding["reason"].startswith("dead tuple share is ") and finding["reason"].endswith(" %: critical"), finding["reason"])
        place.sql("ALTER TABLE not_due RESET (autovacuum_vacuum_threshold)")
        equal(set(dead()), {"public.due", "public.not_due"}, "now it is")
        place.sql("ALTER TABLE due SET (autovacuum_vacuum_scale_factor = 100)")
        equal(set(dead()), {"public.not_due"}, "the other setting counts as well")
        equal(finding["evidence"]["detail"]["kept_by"], None, "nobody keeps them")
        gid = f"keeps {place.database}"
        place.sql(f"BEGIN; INSERT INTO due VALUES (0); PREPARE TRANSACTION '{gid}'")
        try:
            equal(dead()["public.not_due"]["evidence"]["detail"]["kept_by"], f"prepared transaction {gid}", "who keeps them")
        finally:
            place.sql(f"ROLLBACK PREPARED '{gid}'")
        equal(dead()["public.not_due"]["evidence"]["detail"]["kept_by"], None, "it is gone")


@contextlib.contextmanager
def follower(place, name, state, *words):
    """A program that follows the server's log under a name of its own, once it is in that state."""
    process = subprocess.Popen([*words, "-d", place.server], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "PGAPPNAME": name})
    try:
        place.wait(lambda: process.poll() is not None or place.at_server(
            f"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{name}' AND state = '{state}'") == "1")
        equal(process.poll(), None, f"it is in the state {state}")
        yield
    finally:
        process.terminate()
        process.wait()


def a_standby_has_a_lag_once_it_streams(version):
    """One that is being copied, at a pace that would take for ever, has none in seconds; one that streams has."""
    found = subprocess.run(["bash", HARNESS, "bin", str(version)], capture_output=True, text=True, check=True)
    programs = pathlib.Path(found.stdout.strip())
    with Clinic(version) as place:
        copied, streams = f"copied_{place.database}", f"streams_{place.database}"
        log = place.dir / "a log"
        log.mkdir()
        with (follower(place, copied, "backup", programs / "pg_basebackup", "-D", str(place.dir / "a copy"), "-X", "none", "-c", "fast", "-r", "32"),
              follower(place, streams, "streaming", programs / "pg_receivewal", "-D", str(log))):
            place.run("monitor_system_health")
            named = {(r.get("object_name") or "").partition(" ")[0] for r in place.waiting("lakebase_metrics")
                     if r["metric_name"] == "standby_lag_seconds"}
            equal((streams in named, copied in named), (True, False), f"who has a lag in seconds: {named}")


class Laggard:
    """A standby that has asked for the log from now on and reads none of it: it catches up, and never has."""

    def __init__(self, place, name):
        url = urllib.parse.urlsplit(place.server)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(60)
        self.socket.connect((url.hostname, url.port))
        words = {"user": url.username, "replication": "true", "application_name": name}
        body = struct.pack("!I", 196608) + b"".join(f"{k}\0{v}\0".encode() for k, v in words.items()) + b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self.until_ready()
        self.ask(f"CREATE_REPLICATION_SLOT {name} TEMPORARY PHYSICAL RESERVE_WAL")
        self.until_ready()
        self.slot, self.position = name, place.at_server("SELECT pg_current_wal_lsn()")

    def ask(self, text):
        body = text.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)

    def take(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            holds(more, "the server goes on")
            got += more
        return got

    def until_ready(self):
        kind = b""
        while kind != b"Z":
            kind, length = struct.unpack("!cI", self.take(5))
            body = self.take(length - 4)
            holds(kind != b"E", body)

    def follow(self):
        """It asks for the log, and says once where it stands."""
        self.ask(f"START_REPLICATION SLOT {self.slot} PHYSICAL {self.position}")
        high, low = (int(part, 16) for part in self.position.split("/"))
        status = b"r" + struct.pack("!QQQQB", *[high << 32 | low] * 3, 0, 0)
        self.socket.sendall(b"d" + struct.pack("!I", len(status) + 4) + status)


def one_that_catches_up_ends_no_alert(version):
    """The server measures its delay from each piece that it sends on, so that it looks well while megabytes are outstanding."""
    with Clinic(version) as place:
        def lag(metrics=None):
            document = judge(place, metrics, **{**QUICK, "min_lag_mb": 4})
            unknown = {u["metric"]: u["reason"] for u in document["result"].get("unknown", [])}
            return [t for t in told(document) if t[1] == "replication_lag"], unknown.get("replication_lag")
        name = f"laggard_{place.database}"
        laggard = Laggard(place, name)
        with contextlib.closing(laggard.socket):
            equal(lag({"replication_lag": 90})[0], [("breached", "replication_lag")], "it was behind")
            place.sql("SELECT count(pg_logical_emit_message(false, 'lbops', repeat('x', 1000000))) FROM generate_series(1, 40)")
            laggard.follow()
            place.until(f"SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'catchup' AND replay_lsn IS NOT NULL")
            events, reason = lag()
            equal(events, [], "it is not over")
            holds(reason and name in reason and "catches up" in reason, reason)
        place.until(f"SELECT count(*) = 0 FROM pg_stat_replication WHERE application_name = '{name}'")
        events, reason = lag()
        equal((events, reason), ([("cleared", "replication_lag")], None), "it is, once that one has gone")


def each_database_has_its_own_alert(version):
    """Of two databases of a branch that have a table of the same name: a look at the one says nothing of the other's."""
    def said(database):
        document = judge(branch.look_at(database), **QUICK)
        return [(e["type"].removeprefix("threshold."), e["payload"].get("database")) for e in document["events"]
                if e["payload"]["metric"] == "dead_tuple_ratio"]

    with Branch(version) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            database.sql("CREATE TABLE t (id int) WITH (autovacuum_enabled = off); INSERT INTO t SELECT generate_series(1, 1000);"
                         " ANALYZE t; DELETE FROM t WHERE id <= 600; SELECT pg_stat_force_next_flush()")
        equal((said(shop), said(books)), ([("breached", shop.database)], [("breached", books.database)]), "both are bad")
        equal((said(shop), said(books)), ([], []), "each is told once")
        books.sql("DROP TABLE t")
        equal((said(books), said(shop)), ([("cleared", books.database)], []), "the one is over")
        with memory(branch, "evaluate_alert_thresholds") as kept:
            for alert in kept["alerts"]:
                alert.pop("database", None)
        shop.sql("DROP TABLE t")
        equal(said(shop), [("cleared", None)], "one of an earlier version ends under the name that it began with")


@contextlib.contextmanager
def daemon(place):
    with (place.dir / "log").open("w") as log:
        process = subprocess.Popen([PROGRAM, "-m", str(place.manifest), "serve"], stdout=log, stderr=log)
        try:
            place.wait(lambda: place.cli("status").returncode == 0 or process.poll() is not None)
            yield
        finally:
            process.terminate()
            process.wait()


def the_daemon_tells_people(version):
    """One owner of an alert's life: eight notes when they open, none while they last, eight when they are over."""
    with Clinic(version, more='[services.alert]\nplugin = "alert_file"\n') as place:
        def notes():
            path = place.state / "alerts.ndjson"
            lines = path.read_text().splitlines() if path.exists() else []
            return [(n["change"], n["severity"], n["key"].partition("/")[0]) for n in map(json.loads, lines)]
        with daemon(place):
            judge(place, BREACHED)
            place.wait(lambda: len(notes()) >= 8)
            equal(sorted(notes()), sorted(("opened", "critical", m) for m in EIGHT), "notes")
            judge(place, BREACHED)
            judge(place, FINE)
            place.wait(lambda: len(notes()) >= 16)
            equal(sorted({m for change, _, m in notes() if change == "resolved"}), sorted(EIGHT), "resolved")
            equal(len(notes()), 16, "and nothing besides")
            place.wait(lambda: len([r for r in place.waiting("alert_history") if r["state"] == "resolved"]) == 8)
        rows = {r["metric_name"]: r for r in place.waiting("alert_history") if r["state"] == "fired"}
        equal((rows["txid_age"]["metric_value"], rows["txid_age"]["threshold"], rows["txid_age"]["sop_action"]),
              (1.1e9, 1e9, "vacuum_freeze"), "history")


FOLLOWS = """
[agents.health]
tools = ["evaluate_alert_thresholds"]
[agents.health.tool.execute_low_risk_sop]
[[subscriptions]]
event = "threshold.breached"
tool = "execute_low_risk_sop"
params = { issue_type = "{payload.metric}", context = "{payload.context}" }
"""


def a_breach_starts_its_procedure(version):
    """The event of one table reaches the vacuum of that table, by a line in the manifest."""
    with Clinic(version, more=FOLLOWS) as place:
        place.sql('CREATE TABLE "It\'s" (id int) WITH (autovacuum_enabled = off);'
                  ' INSERT INTO "It\'s" SELECT generate_series(1, 1000); ANALYZE; DELETE FROM "It\'s" WHERE id <= 600;'
                  ' SELECT pg_stat_force_next_flush()')
        with daemon(place):
            equal(states(judge(place, **QUICK)).get("dead_tuple_ratio"), "opened", "seen")
            place.until_here("SELECT n_dead_tup = 0 FROM pg_stat_user_tables WHERE relname LIKE 'It%'")
            place.wait(lambda: any(e["payload"].get("status") == "executed" for e in events(place, "self_heal.executed")))
            equal(("cleared", "dead_tuple_ratio") in told(judge(place, **QUICK)), True, "and it is over")


def events(place, kind):
    out = place.cli("--json", "events", "--kind", kind).stdout
    return [json.loads(line) for line in out.splitlines() if line]


def a_plan_and_wrong_input(version):
    with Clinic(version) as place:
        planned = place.run("evaluate_alert_thresholds", plan=True, metrics=BREACHED)
        equal(planned["events"], [], "a plan tells nobody")
        equal(judge(place, BREACHED)["result"]["opened"], 8, "and remembers nothing")
        for wrong in ({"bogus": 1}, {"txid_age": "many"}, [1]):
            failed = place.run("evaluate_alert_thresholds", check=1, metrics=wrong)
            equal(failed["error"]["code"], "invalid", str(wrong))
        place.run("evaluate_alert_thresholds", check=2, metrics="no json")
        place.run("evaluate_alert_thresholds", check=2, fire_after=-1)


suite(a_limit_says_whose_it_is, what_is_usual_at_this_hour_stands_beside_a_breach, other_limits_are_held_against_history,
      what_is_read_each_minute_is_judged_as_an_evaluation_would, what_has_gone_is_over_in_history_too, an_age_that_comes_down_opens_nothing_in_history_either,
      more_than_is_looked_at_is_said,
      batch_work_of_days_gone_by_counts_for_nothing,
      *on_each(what_cannot_be_seen_is_an_alert, eight_at_once_are_eight_alerts, a_branch_that_is_made_again_begins_anew, the_clear_level_is_stated_and_needed, what_flaps_keeps_quiet,
                    the_manifest_has_its_say, each_database_has_its_own_alert, a_real_server_in_trouble, batch_work_is_no_slow_query, maintenance_is_no_slow_query, dead_rows_count_once_autovacuum_is_due_and_say_who_keeps_them,
                    a_standby_has_a_lag_once_it_streams, one_that_catches_up_ends_no_alert, the_daemon_tells_people,
                    a_breach_starts_its_procedure,
                    a_plan_and_wrong_input))
