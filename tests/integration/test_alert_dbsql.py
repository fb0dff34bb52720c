#!/usr/bin/env python3
"""alert_dbsql: the SQL alerts of a workspace are as the manifest has them, and say what the history says. The official SDK reads
them; the emulator evaluates them when it is told to, on the rows that delta_databricks has brought there."""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "emulator"), os.path.join(HERE, "..", "daemon")]

import harness  # noqa: E402
from daemon import Daemon, contains, equal, holds, suite  # noqa: E402

for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
    del os.environ[name]
os.environ["DATABRICKS_CONFIG_FILE"] = os.devnull

EMULATOR = harness.Emulator("--set", "warehouse_start_s=0.1", "--set", "operation_s=0")
READY = EMULATOR.ready
os.environ["REQUESTS_CA_BUNDLE"] = EMULATOR.ca

from databricks.sdk import WorkspaceClient  # noqa: E402
from databricks.sdk.service import sql  # noqa: E402

W = WorkspaceClient(host=READY["url"], token=READY["pat"], auth_type="pat")
BREACHED = {"cache_hit_ratio": 0.5, "connection_utilization": 0.99, "dead_tuple_ratio": 0.9, "lock_wait_time": 500,
            "deadlocks_per_hour": 50, "slow_query_time": 90, "txid_age": 1.9e9, "replication_lag": 900}
FINE = {"cache_hit_ratio": 1, **{name: 0 for name in list(BREACHED)[1:]}}
OTHERS = "everything else"
ALERTS = "/api/2.0/alerts"


def daemon(name, history=False, **more):
    """One whose alerts are SQL alerts under a prefix of its own, and whose history may be in the workspace too."""
    made = Daemon()
    params = {"prefix": name, "notify": ["anna@example.org", "7c1f"], "timezone": "Europe/Berlin", **more}
    to = [f'host = "{READY["url"]}"', 'token = { secret = "pat" }', f'ca_file = "{EMULATOR.ca}"',
          f'warehouse_id = "{READY["warehouse_id"]}"', "retry_pause_ms = 10"]
    delta = ["[services.delta]", 'plugin = "delta_databricks"', "flush_interval_s = 1", "poll_ms = 10", *to] if history else []
    made.write("\n".join([*delta, "[services.alert]", 'plugin = "alert_dbsql"', *to,
                          *(f"{name} = {json.dumps(value)}" for name, value in params.items()),
                          "[secrets]", 'pat = { env = "LBOPS_TEST_PAT" }']) + "\n")
    os.environ["LBOPS_TEST_PAT"] = READY["pat"]
    return made


def ours(prefix):
    """By metric, those that are not in the trash."""
    return {a.display_name.split(": ")[1]: a for a in W.alerts_v2.list_alerts() if a.display_name.startswith(f"{prefix}: ")}


def changes(since):
    """What was changed of alerts, by method."""
    found = EMULATOR.control("GET", "requests", query={"after": since, "path": f"^{ALERTS}"})["requests"]
    return [r["method"] for r in found if r["method"] != "GET"]


def last_request():
    return EMULATOR.control("GET", "requests")["last"]


def looked_after(made):
    made.start()
    made.wait(lambda: any(s["kind"] == "alert" and s["up"] for s in made.status()["services"]), "the service is up")


def state_of(alert):
    return EMULATOR.control("POST", f"alerts/{alert.id}/evaluate")["state"]


def each_metric_has_one_that_says_what_the_history_says():
    with daemon("all", history=True, severity="critical") as made:
        looked_after(made)
        alerts = ours("all")
        equal(sorted(alerts), sorted([*BREACHED, OTHERS]), "one for each, and one for the rest")
        one = alerts["txid_age"]
        evaluation = one.evaluation
        equal((one.warehouse_id, one.schedule.quartz_cron_schedule, one.schedule.timezone_id),
              (READY["warehouse_id"], "0 0/5 * * * ?", "Europe/Berlin"), "when")
        equal((evaluation.source.name, evaluation.source.aggregation, evaluation.comparison_operator, evaluation.empty_result_state),
              ("severity_level", sql.Aggregation.MAX, sql.ComparisonOperator.GREATER_THAN_OR_EQUAL, sql.AlertEvaluationState.OK), "what")
        equal(evaluation.threshold.value.double_value, 3, "from critical on")
        equal([(s.user_email, s.destination_id) for s in evaluation.notification.subscriptions],
              [("anna@example.org", None), (None, "7c1f")], "who")

        def judged(metrics):
            equal(made.run("evaluate_alert_thresholds", project="shop", branch="production", metrics=json.dumps(metrics), fire_after=1, clear_after=1).exit, 0, "a run")
        judged({**BREACHED, "lock_wait_time": 40})  # a warning
        made.wait(lambda: {m for m, a in alerts.items() if state_of(a) == "TRIGGERED"} == set(BREACHED) - {"lock_wait_time"},
                  "those of what is critical")
        history = re.search(r"FROM (\S+) a$", one.query_text, re.MULTILINE)[1]
        W.statement_execution.execute_statement(f"UPDATE {history} SET at = at - INTERVAL 40 DAYS", READY["warehouse_id"])
        equal(state_of(one), "TRIGGERED", "one that has been open for long is open")
        rows = EMULATOR.control("POST", f"alerts/{one.id}/evaluate")["rows"]
        contains(json.dumps(rows), "critical", "shop", "production",
                 "lbops run check_txid_wraparound_risk --project shop --branch production")
        told = [t for t in EMULATOR.control("GET", "alerts/told")["told"] if t["alert"] == "all: txid_age"]
        equal(sorted(t.get("user_email") or t["destination_id"] for t in told), ["7c1f", "anna@example.org"], "told once each")
        judged(FINE)
        made.wait(lambda: {state_of(a) for a in alerts.values()} == {"OK"}, "over")
        equal(made.run("appends", file=made.place / "lines", line="one").member("document")["status"], "pending_approval", "a question")
        made.wait(lambda: state_of(alerts[OTHERS]) == "OK" and EMULATOR.control("POST", f"alerts/{alerts[OTHERS].id}/evaluate")["rows"],
                  "what waits for a person is there, and is not critical")
        rows = EMULATOR.control("POST", f"alerts/{alerts[OTHERS].id}/evaluate")["rows"]
        contains(json.dumps(rows), "lbops approvals ")


def what_stands_is_left_and_what_differs_is_mended():
    with daemon("mine") as made:
        looked_after(made)
        before = last_request()
        equal(made.stop(), 0, "its exit code")
        looked_after(made)
        equal(changes(before), [], "a second start changes nothing")
        equal(made.stop(), 0, "its exit code")
        alerts = ours("mine")
        paused, twin, gone = alerts["txid_age"], alerts["lock_wait_time"], alerts["dead_tuple_ratio"]
        schedule = sql.CronSchedule("0 0 0/1 * * ?", "UTC", pause_status=sql.SchedulePauseStatus.PAUSED)
        W.alerts_v2.update_alert(paused.id, sql.AlertV2(paused.display_name, "SELECT 1 AS v", paused.warehouse_id, paused.evaluation,
                                                        schedule), "query_text,schedule")
        W.alerts_v2.trash_alert(gone.id)
        plain = {n: getattr(twin, n) for n in ("display_name", "query_text", "warehouse_id", "evaluation", "schedule")}
        second = W.alerts_v2.create_alert(sql.AlertV2(**plain))
        old = W.alerts_v2.create_alert(sql.AlertV2(**{**plain, "display_name": "mine: a metric of old"}))
        foreign = W.alerts_v2.create_alert(sql.AlertV2(**{**plain, "display_name": "mine too: not ours"}))
        before = last_request()
        looked_after(made)
        equal(sorted(changes(before)), ["DELETE", "DELETE", "PATCH", "POST"], "as few changes as it takes")
        after = ours("mine")
        equal(sorted(after), sorted([*BREACHED, OTHERS]), "as wanted again")
        equal((after["txid_age"].id, after["txid_age"].query_text), (paused.id, alerts["txid_age"].query_text), "mended")
        equal((after["txid_age"].schedule.quartz_cron_schedule, after["txid_age"].schedule.pause_status),
              ("0 0/5 * * * ?", sql.SchedulePauseStatus.PAUSED), "what people paused stays so")
        equal(after["lock_wait_time"].id, twin.id, "the elder of twins stays")
        equal([W.alerts_v2.get_alert(i.id).lifecycle_state.value for i in (second, old, foreign)], ["DELETED", "DELETED", "ACTIVE"], "rest")


def a_workspace_that_is_away_gets_them_when_it_is_back():
    with daemon("away") as made:
        fault = EMULATOR.fault("status", f"^{ALERTS}", "POST", status=500, error_code="INTERNAL_ERROR", message="not now", count=0)
        try:
            looked_after(made)
            contains(made.log(), "the SQL alerts could not be looked after")
            equal(made.run("evaluate_alert_thresholds", project="shop", branch="production", metrics='{"txid_age": 1.9e9}', fire_after=1).exit, 0, "a run")
            made.wait(lambda: "is not delivered yet" in made.log(), "it is missed")
        finally:
            EMULATOR.control("DELETE", f"faults/{fault}")
        made.wait(lambda: len(ours("away")) == 9, "they are made")
        made.wait(lambda: '"delivered"' in json.dumps(made.rows("alert_history"))
                  or "delivered" in made.cli("sql", "select state from alert_history").stdout, "and the note counts as delivered")


def settings_that_cannot_work_are_refused_with_a_hint():
    for params, words in (({"catalog": "a`b"}, "catalog of alert_dbsql is no name"), ({"prefix": "a: b"}, "has a colon in it"),
                          ({"notify": ["anna example"]}, "notify of alert_dbsql"), ({"severity": "loud"}, "severity")):
        with daemon("refused", **{**params}) as made:
            made.start(ready=False)
            harness.until(lambda made=made, words=words: words in made.log())


try:
    suite(each_metric_has_one_that_says_what_the_history_says, what_stands_is_left_and_what_differs_is_mended,
          a_workspace_that_is_away_gets_them_when_it_is_back, settings_that_cannot_work_are_refused_with_a_hint)
finally:
    EMULATOR.stop()
