"""The channel to people, alerts and history as processes of their own: slow, failing and dying ones cost nobody a run."""

import json
import os
import signal

from daemon import Daemon, equal, holds, suite

APPROVES = '[services.approval]\nplugin = "approval_mock"\napprove = ["appends"]\n'


def ask_for_line(daemon, line):
    return daemon.run("appends", file=daemon.place / "lines", line=line)


def lines(daemon):
    path = daemon.place / "lines"
    return path.read_text().split() if path.exists() else []


def statuses(daemon):
    return [a["status"] for a in daemon.approvals()]


def a_channel_decides_and_it_is_executed_once():
    with Daemon(APPROVES) as daemon:
        daemon.start()
        equal(ask_for_line(daemon, "one").exit, 3, "a run that has to ask")
        daemon.wait(lambda: statuses(daemon) == ["executed"], "the policy approves")
        equal(lines(daemon), ["one"], "lines")
        decision = daemon.approvals()[0]["decisions"][0]
        equal((decision["name"], decision["via"]), ("mock", "approval_mock"), "who decided, and how")


def a_channel_denies_and_nothing_happens():
    with Daemon('[services.approval]\nplugin = "approval_mock"\ndeny = ["app*"]\n') as daemon:
        daemon.start()
        ask_for_line(daemon, "one")
        daemon.wait(lambda: statuses(daemon) == ["denied"], "the policy denies")
        again = ask_for_line(daemon, "one")
        equal(again.member("document")["approvals"][0]["asked"], "denied_before", "the same again")
        equal(lines(daemon), [], "lines")


def a_slow_channel_delays_no_run():
    with Daemon(APPROVES + "delay_ms = 8000\n") as daemon:
        daemon.start()
        ask_for_line(daemon, "slow")
        for _ in range(20):
            equal(daemon.run("rests", ms=1).exit, 0, "a run beside it")
        equal(lines(daemon), [], "lines before the channel has decided")
        daemon.wait(lambda: statuses(daemon) == ["executed"], "the slow channel decides at last")


def a_channel_that_fails_is_told_again():
    with Daemon(APPROVES + "fail_first = 1\n") as daemon:
        daemon.start()
        ask_for_line(daemon, "again")
        daemon.wait(lambda: statuses(daemon) == ["executed"], "it is published again, and decided")
        equal(lines(daemon), ["again"], "lines")


def a_channel_that_is_killed_hears_of_what_is_pending():
    with Daemon('[services.approval]\nplugin = "approval_local"\n') as daemon:
        daemon.start()
        ask_for_line(daemon, "kept")
        def shown():
            return list((daemon.state / "approvals").glob("*.json"))
        daemon.wait(lambda: len(shown()) == 1, "what waits is shown")
        pid = next(s["pid"] for s in daemon.status()["services"] if s["kind"] == "approval")
        os.kill(pid, signal.SIGKILL)
        shown()[0].unlink()
        def is_back():
            now = next(s for s in daemon.status()["services"] if s["kind"] == "approval")
            return now["up"] and now["pid"] != pid
        daemon.wait(is_back, "it is started again")
        daemon.wait(lambda: len(shown()) == 1, "it is told again of what waits, and shows it")


def alerts_arrive_once_in_order_and_are_resolved():
    with Daemon('[services.alert]\nplugin = "alert_file"\n') as daemon:
        daemon.start()
        ask_for_line(daemon, "one")
        waiting = daemon.approvals()[0]["id"]
        daemon.wait(lambda: daemon.ask("alerts").items(), "an alert for what waits")
        daemon.ask("deny", id=waiting, reason="no")
        daemon.wait(lambda: not daemon.ask("alerts").items(), "it is resolved by the decision")
        path = daemon.state / "alerts.ndjson"
        daemon.wait(lambda: len(path.read_text().splitlines()) >= 2, "both notes are out")
        notes = [json.loads(line) for line in path.read_text().splitlines()]
        equal([n["change"] for n in notes], ["opened", "resolved"], "notes")
        equal(len({n["key"] for n in notes}), 1, "keys")


def alerts_that_are_not_taken_are_sent_again():
    with Daemon('[services.alert]\nplugin = "alert_mock"\noutcome = "later"\noutcome_first = 2\nretry_after_ms = 300\n') as daemon:
        daemon.start()
        ask_for_line(daemon, "one")
        daemon.wait(lambda: [r for r in daemon.rows("alert_history") if r["state"] == "delivered"] or
                    "delivered" in daemon.cli("--json", "sql", "select state from alert_history").stdout,
                    "the note is delivered in the end")


def status_says_what_an_alert_service_has_not_been_told():
    """Its process is up, and nobody there takes anything."""
    with Daemon('[services.alert.away]\nplugin = "alert_mock"\noutcome = "later"\n[services.alert.here]\nplugin = "alert_file"\n') as daemon:
        def said():
            return {line.split()[2]: line for line in daemon.cli("status", check=0).stdout.splitlines() if line.startswith("service:  alert ")}
        daemon.start()
        daemon.wait(lambda: " is up" in said()["away"] and " is up" in said()["here"], "both are up")
        equal([line.endswith(" is up") for line in said().values()], [True, True], "and nobody waits")
        ask_for_line(daemon, "one")
        daemon.wait(lambda: "event(s) of the log still to be told" in said()["away"], "what is not taken is said")
        daemon.wait(lambda: said()["here"] == "service:  alert here (alert_file) is up", "of the one")


def a_service_that_dies_in_a_loop_costs_no_run():
    with Daemon() as daemon:
        daemon.start()
        for _ in range(5):
            pid = next(s["pid"] for s in daemon.status()["services"] if s["kind"] == "delta")
            if pid:
                os.kill(pid, signal.SIGKILL)
            equal(daemon.run("rests", ms=1).exit, 0, "a run while history is down")
        daemon.wait(lambda: next(s["up"] for s in daemon.status()["services"] if s["kind"] == "delta"), "it is up again")
        counted = json.loads(daemon.cli("--json", "sql", "select count(*) n from tool_runs where tool = 'rests'", check=0).stdout)
        equal(counted["rows"][0][0] if isinstance(counted["rows"][0], list) else counted["rows"][0]["n"], 5, "rows of history")


suite(a_channel_decides_and_it_is_executed_once, a_channel_denies_and_nothing_happens, a_slow_channel_delays_no_run,
      a_channel_that_fails_is_told_again, a_channel_that_is_killed_hears_of_what_is_pending,
      alerts_arrive_once_in_order_and_are_resolved, alerts_that_are_not_taken_are_sent_again,
      status_says_what_an_alert_service_has_not_been_told, a_service_that_dies_in_a_loop_costs_no_run)
