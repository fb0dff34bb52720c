"""recommend_scale_to_zero_timeout: gaps as they were planted, the choice that follows from them, and who may set it."""

import datetime
import json

from place import Given, Local, Workspace, contains, each_version, equal, holds, suite
from planted import KEEPS, metric, midnight, plant

TOOL = "recommend_scale_to_zero_timeout"
SNAPSHOT = "pg_stat_statements_dealloc_at_snapshot"
DAYS = 5
SHARED = (("production", "shared"),)


def works(minute):
    """Office hours with a break of ten minutes before each full hour, and lunch."""
    hour = minute // 60
    return 9 <= hour < 17 and minute % 60 < 50 and not 12 * 60 <= minute < 13 * 60


def plant_days(place, days=DAYS, asleep=lambda minute: False, statements=True, project="shop"):
    """What readings every five minutes would have left. The compute slept where it says so."""
    metrics, calls, runs = [], [], []
    for day in range(-days, 0):
        for minute in range(0, 24 * 60, 5):
            at = midnight(day, minute / 60)
            if asleep(minute):
                runs.append({"tool": "monitor_system_health", "mode": "execute", "status": "skipped", "started_at": at,
                             "actor_kind": "schedule", "error_code": "suspended"})
                continue
            metrics.append(metric("connections_active", at, int(minute % 15 == 0 and works(minute))))
            if statements:
                metrics.append(metric(SNAPSHOT, at, 0))
            if statements and works(minute):
                calls.append({"snapshot_timestamp": at, "granularity": "snapshot", "system_identifier": 1,
                              "postmaster_start": midnight(-30), "userid": 10, "dbid": 5, "toplevel": True, "queryid": 77,
                              "calls": 1000, "total_exec_time": 1.5, "calls_delta": 12})
    for table, rows in (("lakebase_metrics", metrics), ("pg_stat_history", calls), ("tool_runs", runs)):
        if rows:
            plant(place, table, rows, project)


def by_timeout(result):
    return {c["timeout"]: c for c in result["choices"]}


def an_earlier_branch_of_its_name_says_nothing(version):
    with Local(version, targets=SHARED, more=KEEPS) as place:
        place.sql("SELECT 1")
        plant_days(place)
        holds(place.run(TOOL, price_per_dbu=0.5)["result"]["examined"]["sights"] > 0, "they were of this one")
        plant(place, "branch_lifecycle", [{"event_id": "again", "event_type": "created",
                                           "event_timestamp": datetime.datetime.now(datetime.timezone.utc)}])
        again = place.run(TOOL, price_per_dbu=0.5)["result"]
        equal([again["examined"], "choices" in again], [{"sights": 0}, False], "it was made again")


def the_choice_follows_from_the_gaps(version):
    with Local(version, targets=SHARED, more=KEEPS) as place:
        place.sql("SELECT 1")  # a compute that nobody has used yet cannot be changed
        first = place.run(TOOL)["result"]
        equal([first["examined"], "choices" in first], [{"sights": 0}, False], "the first day")
        contains(first["skipped"][0]["reason"], "no readings")

        plant_days(place)
        told = place.run(TOOL, price_per_dbu=0.5)
        result, table = told["result"], by_timeout(told["result"])
        equal(result["idle_gaps"], DAYS * 7, "six breaks a day, of which one is lunch, and the nights")
        equal((result["readings_every_s"], result["sees_statements"], result["current_timeout"]), (300, True, "5 min"), "facts")
        equal(table["never"]["awake_share"], 1, "it would never sleep")
        equal(table["2 h"]["cold_starts"], DAYS, "nights alone are longer")
        equal(table["5 min"]["cold_starts"], DAYS * 7, "each break is longer")
        equal([t for t, c in table.items() if c["finer_than_the_readings"]], ["60 s", "2 min"], "what cannot be told")
        holds(all(a["awake_share"] <= b["awake_share"] and a["cold_starts"] >= b["cold_starts"]
                  for a, b in zip(result["choices"], result["choices"][1:])), "longer timeouts: more money, fewer starts")
        for choice in result["choices"]:
            holds(abs(choice["awake_hours_a_month"] - 720 * choice["awake_share"]) < 1e-6, "hours of a month")
            holds(choice["cost_a_month"] is None or abs(choice["cost_a_month"] - 0.5 * choice["dbu_a_month"]) < 1e-9, "money")
        equal([r["phase"] for r in place.waiting("audit_log")], [], "nothing is set without being told to")

        patient = place.run(TOOL, cold_start_worth_s=3600)["result"]
        equal(patient["recommended_timeout"], "10 min", "short breaks are slept through by nobody")
        contains(patient["findings"][0]["reason"], "instead of", "cold starts a day", "95 wait no longer than 1 s")
        slow = place.run(TOOL, wake_s=3, most_p95_wake_s=2)["result"]
        waits = {c["timeout"]: c["p95_wake_s"] for c in slow["choices"]}
        equal((waits["5 min"], waits["2 h"], waits["never"]), (3, 3, 0), "nights are one in seven of the gaps")
        chosen = by_timeout(slow)[slow["recommended_timeout"]]
        equal(chosen["p95_wake_s"], 0, f"nobody is made to wait longer than the limit: {slow['recommended_timeout']}")
        plan = place.run(TOOL, cold_start_worth_s=3600, apply=True, plan=True)
        equal([(c["executed"]) for c in plan["changes"]], [False], "a plan")
        equal(place.run(TOOL)["result"]["current_timeout"], "5 min", "after a plan")

        asked = place.run(TOOL, cold_start_worth_s=3600, apply=True, check=3)
        equal([c["effect"] for c in asked["changes"]], ["disruptive"], "a setting that others depend on")
        equal(place.run(TOOL)["result"]["current_timeout"], "5 min", "while it waits")
        place.approve(place.approvals()[0]["id"])
        again = place.run(TOOL, cold_start_worth_s=3600, apply=True)
        equal([again["result"]["current_timeout"], again["changes"], again["result"].get("findings", [])], ["10 min", [], []],
              "the second time")
        place.run(TOOL, days=30, check=2)
        place.run(TOOL, least_gain=2, check=2)


def sleep_is_idleness_and_who_wakes_it_works(version):
    with Local(version, targets=SHARED, more=KEEPS) as place:
        plant_days(place, asleep=lambda minute: not 9 * 60 <= minute < 18 * 60)
        result = place.run(TOOL)["result"]
        equal(result["wakes_seen"], DAYS, "mornings")
        holds(result["longest_gap_s"] > 14 * 3600 and result["hours_unseen"] == 0, f"nights: {result['longest_gap_s']}")
        holds(by_timeout(result)["1 h"]["cold_starts"] if "1 h" in by_timeout(result) else True, "a morning is a cold start")


def samples_of_sessions_do_where_nothing_else_is(version):
    with Local(version, targets=SHARED, more=KEEPS) as place:
        plant_days(place, statements=False)
        result = place.run(TOOL, cold_start_worth_s=3600)["result"]
        equal(result["sees_statements"], False, "what it rests on")
        terms = {t["name"]: t["points"] for f in result["findings"] for t in f["confidence"]["terms"]}
        equal(terms.get("statements_and_not_samples"), 0.1, f"a weaker ground: {terms}")


def a_server_that_is_given_has_no_compute(version):
    with Given(version, kind="shared", more=KEEPS) as place:
        plant_days(place)
        told = place.run(TOOL, apply=True)
        equal([told["changes"], told["result"]["findings"]], [[], []], "nothing to set")
        contains(str(told["result"]["skipped"]), "the control plane knows no compute of it")


def production_is_a_persons(version=None):
    with Workspace(more=KEEPS) as place:
        place.project()
        endpoint = "projects/shop/branches/production/endpoints/primary"
        plant_days(place)
        told = place.run(TOOL, apply=True)
        equal([told["changes"], told["result"].get("findings", [])], [[], []], "production")
        contains(str(told["result"]["skipped"]), "a production branch")
        before = place.emulator.postgres("GET", endpoint).json["status"]
        place.run(TOOL, production=True, cold_start_worth_s=3600, apply=True, check=3)
        equal(place.emulator.postgres("GET", endpoint).json["status"], before, "while it waits")
        place.approve(place.approvals()[0]["id"])
        after = place.emulator.postgres("GET", endpoint).json["status"]
        told = place.run(TOOL)["result"]
        equal(after["suspend_timeout_duration"] + " " + told["current_timeout"], "600s 10 min",
              f"what the platform has now: {json.dumps(after)}")


def of_a_branch_that_is_not_there_nothing_is_said(version=None):
    with Workspace(more=KEEPS) as place:
        place.project()
        failed = place.run(TOOL, project="shop", branch="ci-nowhere", check=1)["error"]
        equal([failed["code"], failed["message"], failed["hint"]],
              ["not_found", "there is no branch ci-nowhere in shop", "lbops target ls shows what there is"], str(failed))


def the_compute_that_writes_is_it_whatever_it_is_called(version=None):
    with Workspace(more=KEEPS) as place:
        place.project()
        plant_days(place)
        branch = "projects/shop/branches/production"
        there = place.emulator.postgres("GET", f"{branch}/endpoints/primary").json
        reader = {**there, "name": f"{branch}/endpoints/a-reader",
                  "status": {**there["status"], "endpoint_type": "ENDPOINT_TYPE_READ_ONLY"}}
        place.emulator.fault("status", f"{branch}/endpoints/primary$", "GET", status=404, error_code="NOT_FOUND", count=0)
        place.emulator.fault("status", f"{branch}/endpoints$", "GET", status=200, count=0,
                             body={"endpoints": [reader, {**there, "name": f"{branch}/endpoints/ep-main"}]})
        told = place.run(TOOL, cold_start_worth_s=3600, production=True)["result"]
        equal([f["object"] for f in told["findings"]], [f"{branch}/endpoints/ep-main"], str(told.get("skipped")))


suite(*each_version(an_earlier_branch_of_its_name_says_nothing, the_choice_follows_from_the_gaps, sleep_is_idleness_and_who_wakes_it_works,
                    samples_of_sessions_do_where_nothing_else_is, a_server_that_is_given_has_no_compute),
      production_is_a_persons, of_a_branch_that_is_not_there_nothing_is_said,
      the_compute_that_writes_is_it_whatever_it_is_called, at_once=2)
