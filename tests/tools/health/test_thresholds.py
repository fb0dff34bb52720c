"""evaluate_alert_thresholds: each of the eight fires on a server that is in that trouble, once, and is over when it is."""

import contextlib
import json
import subprocess

from health_place import Clinic, on_each
from place import PROGRAM, equal, holds, suite

EIGHT = ["cache_hit_ratio", "connection_utilization", "dead_tuple_ratio", "lock_wait_time", "deadlocks_per_hour",
         "slow_query_time", "txid_age", "replication_lag"]
BREACHED = {"cache_hit_ratio": 0.9, "connection_utilization": 0.9, "dead_tuple_ratio": 0.3, "lock_wait_time": 200,
            "deadlocks_per_hour": 9, "slow_query_time": 40, "txid_age": 1.1e9, "replication_lag": 90}
FINE = {"cache_hit_ratio": 0.999, "connection_utilization": 0.1, "dead_tuple_ratio": 0, "lock_wait_time": 0,
        "deadlocks_per_hour": 0, "slow_query_time": 0, "txid_age": 1000, "replication_lag": 0}
QUICK = {"warm_up_min": 0, "min_block_accesses": 500, "min_dead_rows": 100, "min_table_mb": 0, "min_lag_mb": 0.001}


def limit(metric, warning, critical, below=False, **where):
    return (f'[[thresholds]]\nmetric = "{metric}"\nwarning = {warning}\ncritical = {critical}\n'
            + ("below = true\n" if below else "") + "".join(f'{k} = "{v}"\n' for k, v in where.items()))


def judge(place, metrics=None, **more):
    if metrics is not None:
        more["metrics"] = metrics
    return place.run("evaluate_alert_thresholds", **more)


def told(document):
    """What was told, by kind of event and metric."""
    return sorted((e["type"].removeprefix("threshold."), e["payload"]["metric"]) for e in document["events"])


def states(document):
    return {a["metric"]: a["state"] for a in document["result"].get("alerts", [])}


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
        holds(breach["lock_wait_time"]["detail"]["evidence"]["pid"] == people[1].pid, "who waits")
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


def make_deadlock(people):
    one, two = people[2], people[3]
    one.say("BEGIN; UPDATE two SET id = id WHERE id = 1")
    two.say("BEGIN; UPDATE two SET id = id WHERE id = 2")
    one.start("UPDATE two SET id = id WHERE id = 2")
    two.say("UPDATE two SET id = id WHERE id = 1")
    one.say("ROLLBACK")
    two.say("ROLLBACK; SELECT pg_stat_force_next_flush()")
    one.say("SELECT pg_stat_force_next_flush()")


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
        place.run("evaluate_alert_thresholds", check=2, fire_after=0)


suite(*on_each(eight_at_once_are_eight_alerts, the_clear_level_is_stated_and_needed, what_flaps_keeps_quiet,
                    the_manifest_has_its_say, a_real_server_in_trouble, the_daemon_tells_people,
                    a_breach_starts_its_procedure,
                    a_plan_and_wrong_input))
