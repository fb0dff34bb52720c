"""lbops report: each measure from a planted history, against the same figures computed here in another way."""

import datetime
import json
import math
import pathlib
import random
import statistics
import sys

from daemon import Daemon, contains, equal, holds, suite

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from planted import KEEPS, plant  # noqa: E402  rows where runs would have put them

NOW = datetime.datetime.now(datetime.timezone.utc)
CHOICE = random.Random(7)


def ago(days=0.0, seconds=0.0):
    return NOW - datetime.timedelta(days=days, seconds=seconds)


def later(moment, seconds):
    return moment + datetime.timedelta(seconds=seconds)


def place_of():
    place = Daemon(KEEPS)
    place.branch = "production"
    return place


def measures(place, *words):
    document = json.loads(place.cli("--json", "report", *words, check=0).stdout)
    return document, {m["id"]: m for m in document["measures"]}


def close(got, want, what):
    holds(got is not None and math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-6), f"{what}: got {got}, want {want}")


def an_empty_history_says_so():
    with place_of() as place:
        document, found = measures(place)
        equal(document["days"], 30, "days")
        equal({m["verdict"] for m in found.values()}, {"not enough data"}, "verdicts")
        equal({m["value"] for m in found.values()}, {None}, "values")
        equal({m["samples"] for m in found.values()}, {0}, "samples")
        equal([m["source"] for m in found.values()].count("success metric"), 8, "the success metrics of the seeds")
        equal(sorted(m["source"] for m in found.values() if m["source"] != "success metric"),
              sorted([f"NFR-{n:02d}" for n in range(1, 11)] + ["NFR-06"] + ["NFR-07"] * 2 + ["rehearsals"]), "the requirements")
        text = place.cli("report", check=0).stdout
        contains(text, "mean time to detection", "< 5 min", "not enough data", "OLTP-to-OLAP sync coverage", ">= 99.9 %")
        rows = text.split("\n\n")[0].splitlines()
        at = rows[0].index("VERDICT")
        equal([row for row in rows if row[at - 1] != " " or row[at] == " "], [], "what stands under VERDICT")


def alerts(count):
    """Alerts that open and end: rows, readings before them, changes during some; and what they come to."""
    rows, readings, audit, detections, ends, deliveries, healed = [], [], [], [], [], [], 0
    for i in range(count):
        seen = ago(days=1 + i * 0.1)
        waits, lasts, tells = CHOICE.uniform(20, 200), CHOICE.uniform(60, 3000), CHOICE.uniform(0.1, 4)
        fired = later(seen, 1)
        key = {"alert_id": f"m{i}@shop/production", "severity": "warning", "title": "t", "metric_name": f"m{i}", "fired_at": seen,
               **({"object_name": f"public.T{i}"} if i % 4 == 0 else {})}
        rows += [{**key, "at": fired, "state": "fired", "rule": "threshold.breached"},
                 {**key, "at": later(seen, tells), "state": "delivered", "rule": "threshold.breached"},
                 {**key, "at": later(seen, tells + 50), "state": "delivered", "rule": "threshold.breached"},
                 {**key, "at": later(seen, lasts), "state": "resolved", "rule": "threshold.cleared"}]
        for back, level in ((waits + 400, "normal"), (waits, "normal"), (1, "warning")):
            readings.append({"snapshot_timestamp": later(fired, -back), "metric_name": f"m{i}", "metric_value": 1.0,
                             "threshold_level": level})
        detections.append(waits)
        ends.append(lasts)
        deliveries.append(tells)
        if i % 4 == 0:
            healed += i != 4
            audit.append((later(seen, lasts / 2), "event", None, "disruptive", None, f'VACUUM public."T{i if i != 4 else 0}"'))
        elif i % 4 == 3:  # done by schedule: by chance, unless a diagnosis is what began it
            healed += i % 8 == 3
            audit.append((later(seen, lasts / 2), "schedule", None, "disruptive", "healing" if i % 8 == 3 else "routine"))
        elif i % 4 == 1:  # a person's, and one that somebody was asked for, do not count
            audit += [(later(seen, lasts / 2), "person", None), (later(seen, lasts / 2), "agent", "a1")]
        else:  # nor a setting of a session of our own
            audit.append((later(seen, lasts / 2), "event", None, "read"))
    return rows, readings, audit, detections, ends, deliveries, healed


def each_table_is_detected_by_its_own_readings():
    """Two tables of one metric: while one is well the other is past its limit, and told 650 s after it was last in order;
    a third was not among those with dead rows 350 s before."""
    with place_of() as place:
        at = ago(1)
        seen = {"public.ill": [(650, "normal"), (350, "warning"), (50, "critical")],
                "public.well": [(650, "normal"), (350, "normal"), (50, "normal")],
                "public.new": [(50, "warning")]}
        plant(place, "lakebase_metrics", [
            {"snapshot_timestamp": later(at, -back), "metric_name": "dead_tuple_ratio", "metric_value": 0.1, "threshold_level": level,
             "object_name": table} for table, readings in seen.items() for back, level in readings])
        plant(place, "alert_history", [
            {"alert_id": f"dead_tuple_ratio/{table}@shop/production", "severity": "warning", "title": "t", "metric_name": "dead_tuple_ratio",
             "object_name": table, "fired_at": at, "at": at, "state": "fired", "rule": "threshold.breached"}
            for table in ("public.ill", "public.new")])
        found = measures(place)[1]["detection"]
        close(found["value"], (650 + 350) / 2, "time to detection")
        equal(found["samples"], 2, "alerts")


def what_was_done_about_another_breach_is_no_remediation():
    """Three breaches are open at once. Of two of them nothing was changed: the procedure of one only kept evidence, and of the
    other the server passed over what it was told."""
    with place_of() as place:
        plant(place, "alert_history", [
            {"alert_id": f"{name}@shop/production", "severity": "warning", "title": "t", "metric_name": name, "fired_at": ago(1),
             "at": at, "state": "resolved", "rule": "threshold.cleared"}
            for name in ("lock_wait_time", "connection_utilization", "txid_age") for at in (later(ago(1), 600),)])
        plant(place, "tool_runs", [
            {"run_id": run, "parent_run_id": parent, "tool": tool, "mode": "execute", "status": "ok", "started_at": ago(1),
             "actor_kind": "event"} for run, parent, tool in (("sop", None, "execute_low_risk_sop"),
                                                              ("ends", "sop", "terminate_idle_connections"),
                                                              ("frozen", None, "execute_low_risk_sop"))])
        plant(place, "audit_log", [
            {"audit_id": f"a{i}", "phase": "outcome", "at": later(ago(1), 60), "actor_kind": "event",
             "actor": "evaluate_alert_thresholds", "tool": tool, "run_id": run, "reason": "r", "kind": "sql",
             "effect": "disruptive", "statement": "s", "outcome": "applied"}
            for i, (run, tool) in enumerate((("ends", "terminate_idle_connections"), ("frozen", "execute_low_risk_sop")))])
        plant(place, "lakebase_metrics", [{"run_id": "sop", "snapshot_timestamp": later(ago(1), 60), "metric_name": "procedure_change",
                                           "metric_value": 1.0, "object_name": "connection_utilization"}])
        found = measures(place)[1]["remediation"]
        close(found["value"], 1 / 3, "remediation")
        equal(found["samples"], 3, "breaches that are over")


def figures_are_those_that_are_computed_another_way():
    with place_of() as place:
        rows, readings, audit, detections, ends, deliveries, healed = alerts(12)
        rows.append({"alert_id": "approval/x", "severity": "info", "title": "t", "fired_at": ago(20), "at": ago(2),
                     "state": "resolved", "rule": "approval.decided"})  # is no trouble that was resolved
        plant(place, "alert_history", rows)
        plant(place, "lakebase_metrics", readings)
        plant(place, "audit_log", [{"audit_id": f"a{i}", "phase": "outcome", "at": at, "actor_kind": kind, "actor": "x",
                                    "tool": "schedule_vacuum_analyze", "reason": "r", "approval_id": approval, "kind": "sql",
                                    "statement": effect[2] if effect[2:] else "VACUUM", "outcome": "applied",
                                    **({"effect": effect[0]} if effect else {}),
                                    **({"run_id": effect[1]} if effect[1:] and effect[1] else {}),
                                    **({"actor": "evaluate_alert_thresholds"} if kind == "event" else {})}
                                   for i, (at, kind, approval, *effect) in enumerate(audit)])
        plant(place, "audit_log", [{"audit_id": "own", "phase": "outcome", "at": ago(1), "actor_kind": "event", "tool": "t",
                                    "kind": "sql", "effect": "read", "statement": "SET x TO 1", "outcome": "applied"}])
        plant(place, "audit_log", [{"audit_id": "nobody", "phase": "outcome", "at": ago(200), "actor_kind": "event", "tool": "t",
                                    "kind": "sql", "statement": "s", "outcome": "applied"}])  # before the time that is asked about
        plant(place, "tool_runs", [
            {"run_id": run, "parent_run_id": parent, "tool": tool, "mode": "execute", "status": "ok", "started_at": ago(1),
             "actor_kind": "event"} for run, parent, tool in (("healing", "root", "execute_low_risk_sop"), ("root", None, "self_heal"),
                                                              ("routine", None, "schedule_vacuum_analyze"))])
        runs = [{"tool": "monitor", "mode": "execute", "status": CHOICE.choice(["ok"] * 30 + ["failed", "crashed", "skipped"]),
                 "started_at": ago(3, i * 300), "actor_kind": CHOICE.choice(["schedule", "schedule", "person"])} for i in range(400)]
        lost = [{"tool": t, "mode": "execute", "status": s, "started_at": ago(1, n), "actor_kind": "event",
                 **({"error_code": "unreachable"} if s == "failed" else {})}
                for t, said in {"a": ["failed", "ok"], "b": ["ok", "failed"], "c": ["failed", "ok"]}.items()
                for n, s in zip((900, 100), said)]
        for run in runs:
            run["awake_seconds"] = 45.5
            run["statements_ms"] = 2.5
        key = {"granularity": "hour", "system_identifier": 1, "postmaster_start": ago(40), "userid": 10, "toplevel": True,
               "calls": 1, "total_exec_time": 1.0}
        counted = [{**key, "snapshot_timestamp": ago(when), "dbid": of, "queryid": query, "total_exec_time_delta": ms}
                   for when, of, query, ms in ((9, 1, 7, 990.0), (8, 1, 8, 9.0), (8, 2, 8, 500.0), (2, 1, 8, 1.0))]
        nested = {**counted[0], "toplevel": False, "queryid": 8}  # its caller's time has it
        text = {"queryid": 8, "dbid": 1, "query": "SELECT 1 /* lbops */", "statement_kind": "ours", "first_seen_at": ago(9)}
        plant(place, "query_texts", [text, {**text, "server_version": 16}])
        plant(place, "pg_stat_history", counted + [nested])
        plant(place, "pg_stat_history", [{**c, "queryid": 5} for c in counted], project="bank")  # ours are left out there
        plant(place, "pg_stat_history", [{**counted[0], "queryid": 8}], project="young")
        plant(place, "query_texts", [text], project="young")
        plant(place, "tool_runs", runs + lost)
        plant(place, "tool_runs", [runs[0]], project="bank")
        plant(place, "sync_validation_history", [
            {"validation_id": f"v{i}", "validated_at": ago(when), "source_table": f"public.t{i}", "target_table": f"lake.t{i}",
             "status": status} for i, (when, status) in enumerate([(0.1, "healthy"), (0.5, "drift_detected"), (3, "healthy"),
                                                                   (0.2, "failed"), (0.3, "stale"), (0.1, "not_compared"),
                                                                   (0.1, "waiting")])])
        plant(place, "sync_validation_history", [
            {"validation_id": "p", "validated_at": ago(0.1), "source_table": "public.fed", "target_table": "lake.fed",
             "check_type": "pipeline", "status": "healthy"}])  # the platform's word, no comparison
        states = {"r1": ["pending_review", "approved", "executed"], "r2": ["pending_review", "rejected"], "r3": ["pending_review"],
                  "r4": ["pending_review", "approved"], "r5": ["approved", "executed", "reverted"], "r6": ["approved", "executed", "kept"],
                  "r7": ["approved"], "r8": ["approved"], "r9": ["executed"], "r10": ["obsolete"]}
        plant(place, "index_recommendations", [
            {"recommendation_id": name, "created_at": ago(9), "updated_at": ago(8 - n), "schema_name": "public", "table_name": "t",
             "recommendation_type": "drop_unused", "confidence": "high", "status": status}
            for name, said in states.items() for n, status in enumerate(said)])
        branches = [("b1", "created", 3, 1), ("b2", "created", 3, -1), ("b3", "created", 3, 1), ("b3", "deleted", 0.5, None),
                    ("b4", "created", 9, None), ("b5", "created", 9, 2), ("b6", "created", 9, 2), ("b6", "reset", 8, None),
                    ("b7", "created", 9, 2), ("b7", "deleted", 8, None), ("b7", "created", 7, None)]
        for name, kind, when, over in branches:
            place.branch = name
            plant(place, "branch_lifecycle", [{"event_id": f"{name}{kind}", "event_timestamp": ago(when), "event_type": kind,
                                               **({"expires_at": ago(over)} if over is not None else {})}])
        place.branch = "production"
        moments = [r["snapshot_timestamp"] for r in readings]  # at which others were read as well
        plant(place, "lakebase_metrics", [{"snapshot_timestamp": at, "metric_name": f"rehearsed_{name}", "metric_value": value}
                                          for at, name, value in zip(moments, ("resolution", "resolution", "detection"), (12.0, 4.0, 1.0))])
        costs = [(10.0, 3600, 360), (4.0, 1800, 0), (6.0, 3600, 1800)]
        plant(place, "cost_attribution", [
            {"usage_start": ago(2, i * 7200), "usage_end": later(ago(2, i * 7200), length), "captured_at": ago(1 - 0.5 * n),
             "record_id": f"c{i}", "quantity": 1.0, "cost": cost * (1 if n else 99), "awake_seconds": float(awake)}
            for i, (cost, length, awake) in enumerate(costs) for n in range(2)])  # what was read first is corrected
        _, found = measures(place, "--days", "60")

        close(found["detection"]["value"], statistics.fmean(detections), "time to detection")
        equal(found["detection"]["verdict"], "met", "detection")
        close(found["resolution"]["value"], statistics.fmean(ends), "time to resolution")
        equal((found["resolution"]["samples"], found["resolution"]["open"]), (12, 0), "what the time to resolution is made from")
        rehearsed = found["rehearsed_resolution"]
        equal((rehearsed["value"], rehearsed["samples"], rehearsed["verdict"]), (8, 2, "met"), "what was planted, apart from it")
        close(found["remediation"]["value"], healed / 12, "remediation")
        equal(found["remediation"]["verdict"], "missed", "remediation")
        close(found["delivery"]["value"], sorted(deliveries)[math.ceil(0.95 * 12) - 1], "delivery")
        scheduled = [r for r in runs if r["actor_kind"] == "schedule" and r["status"] != "skipped"]
        scheduled += [runs[0]] if runs[0] in scheduled else []  # the other project's
        close(found["job_success"]["value"], sum(r["status"] == "ok" for r in scheduled) / len(scheduled), "jobs")
        equal(found["job_success"]["samples"], len(scheduled), "scheduled runs")
        close(found["recovery"]["value"], 2 / 3, "recovery")
        equal((found["projects"]["value"], found["projects"]["verdict"]), (2, "not enough data"), "projects")
        close(found["sync_coverage"]["value"], 3 / 7, "pairs judged lately, of all that were to be compared")
        close(found["recommendations"]["value"], 6 / 8, "recommendations")
        equal((found["orphans"]["value"], found["orphans"]["samples"], found["orphans"]["verdict"]), (3, 7, "missed"), "orphans")
        close(found["own_cost"]["value"], (10 * 0.1 + 6 * 0.5) / 20, "own cost")
        waited = 2.5  # the one run there
        close(found["own_time"]["value"], max(10 / 1500, waited / (1500 + waited)), "the greatest share of a branch's time")
        equal((found["own_time"]["samples"], found["own_time"]["verdict"]), (2, "met"), "branches with a day of snapshots")
        days = [r["started_at"].date() for r in runs]
        close(found["monitoring_awake"]["value"], max(45.5 * days.count(day) for day in days), "the longest day")
        close(found["audit_trail"]["value"], 1, "audit trail")
        equal(found["audit_trail"]["verdict"], "met", "audit trail")
        holds(found["audit_days"]["value"] in (200, 201), f"days of audit: {found['audit_days']}")  # of now, which goes on
        holds(found["statement_days"]["value"] in (9, 10), f"days of statements: {found['statement_days']}")
        equal(found["toil"]["value"], None, "what nothing is known of")
        age = min((NOW - r["snapshot_timestamp"]).total_seconds() for r in readings)
        holds(age <= found["freshness"]["value"] <= age + 600, "the age of the newest reading")
        first = min(r["snapshot_timestamp"] for r in readings)
        holds(0 <= found["metric_days"]["value"] - (NOW.date() - first.date()).days <= 1, f"days of readings: {found['metric_days']}")
        equal(found["metric_days"]["verdict"], "not enough data", "a young history")
        _, brief = measures(place, "--days", "1")
        equal(brief["resolution"]["verdict"], "met" if brief["resolution"]["samples"] else "not enough data", "a shorter time")
        holds(brief["job_success"]["samples"] == 0, "runs of three days ago are in the last day")


def the_branch_that_was_read_longest_ago_is_named():
    with place_of() as place:
        for name, age in {"read": 30, "stale": 5000, "gone": 90000, "asleep": 70000, "left": 101 * 86400}.items():
            place.branch = name
            plant(place, "lakebase_metrics", [{"snapshot_timestamp": ago(0, age + n * 60), "metric_name": "m", "metric_value": 1.0}
                                              for n in range(3)])
        plant(place, "lakebase_metrics", [{"snapshot_timestamp": ago(2), "metric_name": "migration_prediction_x", "metric_value": 1.0,
                                           "branch_id": "trial"}])
        place.branch = "gone"
        plant(place, "branch_lifecycle", [{"event_id": "g", "event_timestamp": ago(0.5), "event_type": "deleted"}])
        place.branch = "asleep"
        plant(place, "tool_runs", [{"tool": "t", "mode": "execute", "status": "skipped", "error_code": "suspended",
                                    "started_at": ago(0, 60), "actor_kind": "schedule"}])
        fresh, kept = (measures(place)[1][name] for name in ("freshness", "metric_days"))
        holds(5000 <= fresh["value"] <= 5000 + 600, f"the stale one's: {fresh}")
        equal((fresh["worst"], fresh["samples"], fresh["verdict"]), ("shop/stale", 3, "missed"), "freshness")
        equal((kept["verdict"], kept["target"]), ("met", 90), "101 days of readings")
        contains(place.cli("report", check=0).stdout, "the oldest: shop/stale (NFR-01)")


def an_alert_that_nobody_could_be_told_of_counts():
    with place_of() as place:
        seen = ago(1)
        key = {"alert_id": "m@shop/production", "severity": "critical", "title": "t", "metric_name": "m", "fired_at": seen}
        plant(place, "alert_history", [{**key, "at": seen, "state": "fired", "rule": "threshold.breached"},
                                       {**key, "at": later(seen, 2), "state": "delivery_failed", "rule": "threshold.breached"}])
        _, found = measures(place)
        delivery = found["delivery"]
        holds(delivery["value"] >= 86400 - 60, f"it takes until now: {delivery}")
        equal((delivery["samples"], delivery["verdict"]), (1, "missed"), "delivery")


def what_is_open_is_said_beside_what_is_over():
    with place_of() as place:
        def step(key, state, at, since, rule="threshold.breached"):
            return {"alert_id": f"{key}@shop/production", "severity": "warning", "title": "t", "at": at, "fired_at": since,
                    "state": state, "rule": rule}
        over, again, old, now = ago(2), ago(1), ago(50), ago(0, 7200)
        plant(place, "alert_history", [
            step("a", "fired", over, over), step("a", "resolved", later(over, 600), over, "threshold.cleared"),
            step("a", "fired", again, again), step("a", "delivered", later(again, 1), again),
            step("b", "fired", old, old), step("b", "renotified", later(old, 9), old),
            step("c", "fired", now, now), step("c", "resolved", later(now, 60), now, "target.gone"),
            step("d", "fired", now, now, "issue.escalated"), step("e", "fired", now, now, "service.down")])
        found = measures(place)[1]["resolution"]
        equal((found["value"], found["samples"], found["open"], found["verdict"]), (600, 1, 3, "met"), "what is over, and open")
        contains(place.cli("report", check=0).stdout, "3 more are open, the first told 1200 h ago (success metric)")


def retention_is_judged_by_what_is_kept():
    """By the date, as rows leave; and what is to leave before its time misses it, however young the history is."""
    with place_of() as place:
        midnight = datetime.datetime.combine(NOW.date(), datetime.time(), datetime.timezone.utc)
        plant(place, "lakebase_metrics", [{"snapshot_timestamp": at, "metric_name": "m", "metric_value": 1.0}
                                          for at in (midnight - datetime.timedelta(days=90) + datetime.timedelta(hours=23, minutes=59),
                                                     midnight - datetime.timedelta(days=1))])
        kept = measures(place)[1]["metric_days"]
        equal((kept["value"] >= 90, kept["verdict"], kept["worst"]), (True, "met", None), "all that may be there is there")
        place.manifest.write_text(place.manifest.read_text().replace(
            'plugin = "delta_local"', 'plugin = "delta_local"\nretention = ["lakebase_metrics=30", "audit_log=0"]'))
        found = measures(place)[1]
        equal((found["metric_days"]["verdict"], found["metric_days"]["worst"]), ("missed", "rows of lakebase_metrics are kept for 30 days"),
              "it will never be met")
        equal((found["audit_days"]["verdict"], found["statement_days"]["verdict"]), ("not enough data",) * 2, "kept for long enough")


def wrong_words_are_refused():
    with place_of() as place:
        for words in (("--days",), ("--days", "0"), ("--days", "x"), ("--days", "7x"), ("--weeks", "2"), ("now",)):
            done = place.cli("report", *words, check=2)
            contains(done.stderr, "report")


suite(an_empty_history_says_so, each_table_is_detected_by_its_own_readings,
      figures_are_those_that_are_computed_another_way, what_was_done_about_another_breach_is_no_remediation,
      what_is_open_is_said_beside_what_is_over, retention_is_judged_by_what_is_kept,
      the_branch_that_was_read_longest_ago_is_named, an_alert_that_nobody_could_be_told_of_counts,
      wrong_words_are_refused, at_once=3)
