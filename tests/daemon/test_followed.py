"""Cycles and jobs without a daemon bring their events to those who follow them, each once, whoever comes later."""

import collections
import fcntl
import json
import os
import threading
import time

from daemon import HOSTILE, PLUGINS, Daemon, contains, equal, holds, skip, suite
from receivers import Web

PLACES = (PLUGINS, HOSTILE, os.environ["LBOPS_DAEMON_PLUGINS"])
URL = os.environ.get("LBOPS_TEST_PG17")

FOLLOWED = """
[[gate]]
tool = "appends"
decision = "execute"
loosen = true
reason = "the test counts lines"

[agents.a]
tools = ["steps", "appends", "rests"]
cycle = ["steps", "rests"]

[agents.a.tool.rests]
params = {{ ms = {rest} }}

[[jobs]]
name = "step"
cron = "@daily"
tools = ["steps"]

[[subscriptions]]
event = "step.taken"
tool = "appends"
params = {{ file = "{place}/lines", line = "x", slowly = true }}
"""

ALERTED = """
[services.alert]
plugin = "alert_slack"
url = {{ secret = "url" }}
{more}

[secrets]
url = {{ file = "{place}/url" }}

[[targets]]
project = "shop"
branch = "production"

[agents.a.tool.breaches]
params = {{ {breaches} }}

[agents.a]
tools = ["breaches"]

[[jobs]]
name = "look"
cron = "@daily"
tools = ["breaches"]
"""


def following(name="d", place=None, rest=0, more=""):
    daemon = Daemon(name=name, place=place)
    daemon.write(FOLLOWED.format(place=daemon.place, rest=rest) + more)
    return daemon


def followers(daemon):
    return [r for r in json.loads(daemon.cli("--json", "runs", "--tool", "appends", "--limit", "1000", check=0).stdout)]


def lines(daemon):
    path = daemon.place / "lines"
    return len(path.read_text().split()) if path.exists() else 0


def taken(daemon):
    return [e["seq"] for e in daemon.events() if e["kind"] == "step.taken"]


def each_once(daemon, count):
    """So many events, each followed by one run that has ended."""
    seen = taken(daemon)
    equal(len(seen), count, "events")
    equal(sorted(r["origin"]["event"] for r in followers(daemon)), sorted(seen), "events that were followed")
    holds(all(r["status"] != "running" for r in followers(daemon)), "a run has no end")


def a_cycle_and_a_job_start_what_follows_them():
    with following() as daemon:
        daemon.cli("cycle", check=0)
        each_once(daemon, 1)
        equal({(r["actor_kind"], r["status"]) for r in followers(daemon)}, {("event", "ok")}, "who asked, and what came of it")
        daemon.cli("job", "step", check=0)
        each_once(daemon, 2)
        equal(lines(daemon), 2, "lines")


def a_daemon_goes_on_behind_a_cycle_and_a_cycle_behind_a_daemon():
    with following() as daemon:
        daemon.cli("cycle", check=0)
        daemon.start()
        equal(daemon.run("steps").exit, 0, "a run")
        daemon.wait(lambda: lines(daemon) == 2, "its event was followed")
        equal(daemon.stop(), 0, "its exit code")
        daemon.cli("run", "steps", check=0)  # nobody brings the events of a single run
        equal((len(taken(daemon)), lines(daemon)), (3, 2), "events and lines")
        daemon.cli("job", "step", check=0)
        each_once(daemon, 4)
        equal(lines(daemon), 4, "lines")


def jobs_at_once_bring_each_event_once():
    with following() as daemon:
        for rounds in (1, 2, 3):
            begun = [daemon.spawn("job", "step") for _ in range(4)]
            for one in begun:
                out, err = one.communicate(timeout=120)
                equal(one.returncode, 0, f"exit code\n{out}{err}")
            each_once(daemon, 4 * rounds)
        equal(lines(daemon), 12, "lines")


def a_cycle_that_was_killed_goes_on_and_follows_nothing_twice():
    with following(rest=60000) as daemon:
        cycle = daemon.spawn("cycle")
        deadline = time.monotonic() + 60
        while not followers(daemon) and time.monotonic() < deadline:
            time.sleep(0.05)
        cycle.kill()
        cycle.communicate()
        holds(followers(daemon), "its event was not followed while it went on")
        daemon.write(FOLLOWED.format(place=daemon.place, rest=0))
        daemon.cli("cycle", "--resume", check=0)
        each_once(daemon, 1)
        holds(lines(daemon) <= 1, "a line was written twice")
        daemon.start()
        equal(daemon.run("steps").exit, 0, "a run")
        daemon.wait(lambda: len(followers(daemon)) == 2 and followers(daemon)[0]["status"] == "ok", "only the new event is followed")
        each_once(daemon, 2)


def a_daemon_that_starts_meanwhile_brings_what_comes_then():
    with following(rest=3000) as daemon:
        cycle = daemon.spawn("cycle")
        deadline = time.monotonic() + 60
        while not taken(daemon) and time.monotonic() < deadline:
            time.sleep(0.05)
        daemon.start()
        out, err = cycle.communicate(timeout=120)
        equal(cycle.returncode, 0, f"exit code\n{out}{err}")
        equal(daemon.run("steps").exit, 0, "a run")
        daemon.wait(lambda: len(followers(daemon)) == 2 and all(r["status"] == "ok" for r in followers(daemon)), "both were followed")
        each_once(daemon, 2)


def a_log_that_somebody_has_for_a_moment_is_waited_for():
    """As a run has it that writes its events while the daemon begins."""
    with following() as daemon:
        daemon.cli("cycle", check=0)
        with open(next(daemon.place.glob("state*/events/lock")), "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            freed = threading.Timer(0.5, fcntl.flock, (lock, fcntl.LOCK_UN))
            freed.start()
            daemon.start()
            freed.join()
        equal(daemon.run("steps").exit, 0, "a run")
        equal(daemon.stop(), 0, "its exit code")
        with open(next(daemon.place.glob("state*/events/lock")), "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stays = daemon.cli("serve", check=1)
            contains(stays.stderr, "writes to the log of events", "stop that one")


def alerting(slack, breaches="", more="", name="d", place=None, state=""):
    daemon = Daemon(name=name, place=place, plugins=PLACES)
    path = daemon.place / "url"
    path.write_text(slack.url + "/services/key")
    path.chmod(0o600)
    daemon.write(ALERTED.format(place=daemon.place, breaches=breaches, more=more) + state)
    return daemon


def texts(slack):
    return [n["json"]["text"] for n in slack.taken]


def whoever_only_has_jobs_is_told_once_and_of_the_end():
    with Web() as slack, alerting(slack) as daemon:
        daemon.cli("job", "look", check=0)
        equal(len(slack.taken), 1, "messages")
        daemon.cli("job", "look", check=0)
        equal(len(slack.taken), 1, "messages, the second time")
        equal(json.loads(daemon.cli("--json", "alerts", check=0).stdout)[0]["status"], "open", "the alert")
        daemon.start()
        equal(daemon.run("breaches", project="shop", branch="production", first=2).exit, 0, "another one")
        daemon.wait(lambda: len(slack.taken) == 2, "the daemon tells the new one alone")
        equal(daemon.stop(), 0, "its exit code")
        daemon.write(ALERTED.format(place=daemon.place, breaches="over = true", more=""))
        daemon.cli("job", "look", check=0)
        equal([t.split(":")[0] for t in texts(slack)], ["warning", "warning", "resolved"], "messages in the end")


def jobs_at_once_tell_each_alert_once():
    with Web() as slack, alerting(slack, "count = 3") as daemon:
        begun = [daemon.spawn("job", "look") for _ in range(4)]
        for one in begun:
            out, err = one.communicate(timeout=120)
            equal(one.returncode, 0, f"exit code\n{out}{err}")
        opened = [e["payload"]["alert_id"] for e in daemon.events() if e["kind"] == "alert.opened"]
        equal((len(opened), len(set(opened)), len(slack.taken)), (3, 3, 3), "alerts, and messages")


def what_cannot_be_told_now_is_told_by_the_next():
    with Web() as slack, alerting(slack) as daemon:
        slack.down()
        done = daemon.cli("job", "look", check=0)
        contains(done.stderr, "not all that happened has reached those who follow it", "next cycle, job or daemon")
        slack.up()
        daemon.cli("job", "look", check=0)
        equal(len(slack.taken), 1, "messages")


def many_alerts_of_a_job_become_one_digest_before_it_ends():
    with Web() as slack, alerting(slack, "count = 8", "digest_above = 3\ndigest_s = 3600") as daemon:
        daemon.cli("job", "look", check=0)
        equal(len(slack.taken), 4, "messages: three and a digest")
        contains(texts(slack)[3], "5 alerts in one message")
        daemon.start()
        equal(daemon.run("breaches", project="shop", branch="production", first=20, count=1).exit, 0, "another one")
        daemon.wait(lambda: len(slack.taken) == 5, "the daemon tells the new one alone")


def compute_that_comes_and_goes_follows_and_tells_by_the_shared_state():
    """A job on a workspace's compute: its log of events begins anew each time, and the state is kept elsewhere."""
    if not URL:
        skip("no server")
    schema = f"followed_{os.getpid()}"
    state = f'\n[services.state]\nplugin = "state_postgres"\ndsn = "{URL}"\nschema = "{schema}"\n'
    with following("a", more=state) as first, following("b", first.place, more=state) as second:
        for daemon in (first, second):
            daemon.cli("job", "step", check=0)
        equal(lines(first), 2, "lines of both")
        seen = collections.Counter(r["status"] for r in followers(first))
        equal(seen, {"ok": 2}, "runs")
    with Web() as slack, alerting(slack, name="c", state=state) as first:
        with alerting(slack, name="d", place=first.place, state=state) as second:
            for daemon in (first, second):
                daemon.cli("job", "look", check=0)
            equal(len(slack.taken), 1, "messages: the second job knows of the alert")
            second.write(ALERTED.format(place=second.place, breaches="over = true", more="") + state)
            second.cli("job", "look", check=0)
            equal(len(slack.taken), 2, "messages: and of its end")


suite(
    a_cycle_and_a_job_start_what_follows_them,
    a_daemon_goes_on_behind_a_cycle_and_a_cycle_behind_a_daemon,
    jobs_at_once_bring_each_event_once,
    a_cycle_that_was_killed_goes_on_and_follows_nothing_twice,
    a_daemon_that_starts_meanwhile_brings_what_comes_then,
    a_log_that_somebody_has_for_a_moment_is_waited_for,
    whoever_only_has_jobs_is_told_once_and_of_the_end,
    jobs_at_once_tell_each_alert_once,
    what_cannot_be_told_now_is_told_by_the_next,
    many_alerts_of_a_job_become_one_digest_before_it_ends,
    compute_that_comes_and_goes_follows_and_tells_by_the_shared_state,
)
