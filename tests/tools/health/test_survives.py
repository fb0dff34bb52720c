"""What monitoring has to live through: targets that hang or are gone, clocks that differ, and a second host."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

from health_place import Clinic, on_each
from incident_place import Bed, Ward
from place import PROGRAM, VERSIONS, equal, holds, suite, target
from sync_place import copy, one

EACH_SECOND = """
[services.alert]
plugin = "alert_file"
[schedule]
spread_s = 0
backoff_max_s = 1
[agents.health]
tools = ["monitor_connections"]
[agents.health.tool.monitor_connections]
schedule = "@every 1s"
timeout_s = 3
"""


@contextlib.contextmanager
def daemon(place, env=None):
    with (place.dir / "log").open("a") as log:
        process = subprocess.Popen([PROGRAM, "-m", str(place.manifest), "serve"], stdout=log, stderr=log,
                                   env={**os.environ, **place.env, **(env or {})})
        try:
            place.wait(lambda: place.cli("status").returncode == 0 or process.poll() is not None)
            yield process
        finally:
            process.terminate()
            process.wait()


def notes(place):
    path = place.state / "alerts.ndjson"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def steps(place):
    return [(n["change"], n["key"].partition("/")[0], n["severity"]) for n in notes(place)]


def runs(place, status):
    out = place.cli("--json", "runs", "--limit", "1000", check=0).stdout
    return [r for r in json.loads(out) if r["status"] == status]


def processes(ward):
    """The postmaster and all of its children."""
    head = int((ward.dir / ward.field("data") / "postmaster.pid").read_text().split()[0])
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(head)], capture_output=True, text=True, check=False)
    return [head, *map(int, listed.stdout.split())]


@contextlib.contextmanager
def hung(ward):
    """Nothing of the server moves, and the kernel still takes connections for it."""
    stopped = processes(ward)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def a_target_that_hangs_is_told_of_once_and_forgotten_when_it_is_back():
    """The server stands still for as long as it takes; the daemon is started anew meanwhile and tells nobody twice."""
    with Ward(VERSIONS[-1]) as ward, Bed(ward, more=EACH_SECOND) as place:
        place.transport += "\nconnect_timeout_s = 1"
        place.write()
        with daemon(place):
            place.wait(lambda: runs(place, "ok"))
            with hung(ward):
                place.wait(lambda: steps(place))
        with hung(ward), daemon(place):
            failed = len(runs(place, "failed")) + len(runs(place, "timeout"))
            place.wait(lambda: len(runs(place, "failed")) + len(runs(place, "timeout")) >= failed + 2)
        with daemon(place):
            place.wait(lambda: len(steps(place)) == 2)
        equal([s[:2] for s in steps(place)], [("opened", "unseen"), ("resolved", "unseen")], "what people hear")
        opened, over = notes(place)
        equal(opened["severity"], "critical", "nobody answers there")
        holds(f"monitoring sees {place.database} again, after " in over["text"], over["text"])
        holds("monitor_connections has failed 3 times in a row" in opened["text"], opened["text"])
        equal((opened["alert"]["branch"], opened["alert"]["payload"]["times"]), (place.database, 3), "where")


def not_seen(place):
    """The places that the state still knows of as not to be seen."""
    with contextlib.closing(sqlite3.connect(place.state / "state.db")) as store:
        bodies = store.execute("SELECT body FROM document WHERE space = 'unseen'").fetchall()
    return {json.loads(body)["place"] for body, in bodies}


def what_could_not_be_seen_is_over_when_nobody_looks_there_any_more():
    """A branch that a pattern meant is dropped, one that was named goes from the manifest of a daemon at work, another one
    while none is; one that is there goes on."""
    with Clinic(VERSIONS[-1], more=EACH_SECOND) as place:
        place.transport += '\nprojects = ["shop"]'
        kept = place.targets
        gone, named, late = (f"{place.database}_{what}" for what in ("gone", "named", "late"))
        for branch in (gone, named, late):
            place.at_server(f"CREATE DATABASE {branch}")
            place.at_server(f"REVOKE CONNECT ON DATABASE {branch} FROM public")
        place.be(place.role("watcher", "LOGIN IN ROLE pg_monitor"))
        one, other = target("shop", named, "shared"), target("shop", late, "shared")
        try:
            place.targets = kept + target("shop", f"{place.database}_g*", "shared", pattern=True) + one + other
            place.write()
            with daemon(place) as process:
                place.wait(lambda: sorted(n["alert"]["branch"] for n in notes(place)) == sorted((gone, named, late)))
                place.run("evaluate_alert_thresholds", branch=gone, metrics={"txid_age": 6e8}, fire_after=1)
                place.wait(lambda: len(notes(place)) == 4)
                place.at_server(f"DROP DATABASE {gone}")
                place.targets = place.targets.replace(one, "")
                place.write()
                process.send_signal(signal.SIGHUP)
                place.wait(lambda: len(notes(place)) == 7)
                place.wait(lambda: not_seen(place) == {f"shop/{late}"})
            place.targets = place.targets.replace(other, "")
            place.write()
            with daemon(place):
                place.wait(lambda: len(notes(place)) == 8)
                place.wait(lambda: not not_seen(place))
                before = len(runs(place, "ok"))
                place.wait(lambda: len(runs(place, "ok")) > before + 1)
            equal(sorted((n["alert"]["branch"], n["change"]) for n in notes(place)),
                  sorted((branch, change) for branch in (gone, gone, named, late) for change in ("opened", "resolved")), "what people hear")
            for note in (n for n in notes(place) if n["change"] == "resolved"):
                if not note["key"].startswith("unseen/"):
                    holds(f"over, as shop/{gone} is not there any more: " in note["text"], note["text"])
                    continue
                holds(f"does not look at {note['alert']['branch']} any more" in note["text"], note["text"])
        finally:
            for branch in (gone, named, late):
                place.at_server(f"DROP DATABASE IF EXISTS {branch}")


@contextlib.contextmanager
def elsewhere(version, seconds):
    """A database on a server whose clock is ahead of everybody's by so many seconds, or behind."""
    with Ward(version, clock_s=seconds) as ward, Bed(ward) as place:
        ahead = float(place.sql("SELECT extract(epoch FROM clock_timestamp())")) - time.time()
        holds(abs(ahead - seconds) < 60, f"the server's clock is {ahead:.0f} s ahead, and not {seconds}")
        yield place


def newest(place):
    """The last figure of each metric in history."""
    return {r["metric_name"]: r["metric_value"] for r in place.waiting("lakebase_metrics")}


def clocks_that_differ_change_no_age(version):
    """The server's clock is two hours ahead of the host's, then as much behind: what is seconds old stays so."""
    for seconds in HOURS_AWAY:
        with elsewhere(version, seconds) as place:
            role = place.role("clerk")
            place.sql("CREATE TABLE till (id int); INSERT INTO till VALUES (1); GRANT ALL ON till TO public")
            idler, waiter = place.person(role), place.person(role)
            place.person(role)
            idler.say("BEGIN; UPDATE till SET id = 2")
            waiter.start("UPDATE till SET id = 3")
            place.until(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {waiter.pid}")
            causes = place.run("diagnose_root_cause", min_transaction_s=600, min_idle_s=600, min_wait_s=600)
            mine = [c for c in causes["result"].get("causes", []) if c["pid"] in (idler.pid, waiter.pid)]
            equal(mine, [], f"nothing is that old, {seconds} s away")
            found = place.run("diagnose_root_cause", min_transaction_s=0, min_idle_s=0, min_wait_s=0)["result"]["causes"]
            chain = next(f for f in found if f["kind"] == "lock_chain" and f["pid"] == idler.pid)
            wait = int(chain["reason"].split("the longest for ")[1].split(" s")[0])
            holds(0 <= wait < 600, chain["reason"])
            seen = place.run("monitor_connections", max_idle_min=10, idle_in_transaction_warning_s=600)["result"]
            equal((seen.get("long_idle_details", []), seen.get("findings", [])), ([], []), "nobody has idled for so long")
            ended = place.run("terminate_idle_connections", max_idle_min=10, max_idle_in_transaction_min=10)["result"]
            equal((ended["sessions_terminated"], ended["past_limit"]), (0, 0), "so nobody is ended")
            place.run("monitor_system_health")
            figures = newest(place)
            for figure in ("lock_wait_time", "oldest_transaction_seconds", "uptime_seconds"):
                holds(0 < figures[figure] < 600, f"{figure} is {figures[figure]}, {seconds} s away")


def clocks_that_differ_make_no_copy_late(version):
    """How long a change waits for its copy is told by the clock that dated it."""
    columns = {"id": "integer", "updated_at": "timestamp with time zone"}
    for seconds in HOURS_AWAY:
        with elsewhere(version, seconds) as place:
            place.sql("CREATE TABLE orders (id int PRIMARY KEY, updated_at timestamptz); "
                      "INSERT INTO orders SELECT i, now() - interval '5 hours' FROM generate_series(1, 20) AS i")
            copy(place, columns=columns)
            for minutes, status in ((20, "healthy"), (90, "stale")):
                place.sql(f"UPDATE orders SET updated_at = now() - interval '{minutes} minutes' WHERE id = 1")
                fresh = one(place, "track_sync_freshness", sync_type="continuous")[1]["freshness"][0]
                equal(fresh["status"], status, f"{minutes} minutes late, {seconds} s away: {fresh}")
                holds(0 <= fresh["lag_seconds"] - 60 * minutes < 600, fresh)


def standby_of(place):
    """The URL of a standby with the true clock, which has received 4 MB and replays none of them."""
    ward = place.ward
    place.sql("CREATE TABLE till (id int, note text)")
    ward.standby()
    place.sql("INSERT INTO till VALUES (0, 'the last that is replayed')")
    place.wait(lambda: ward.at_standby("SELECT pg_last_xact_replay_timestamp() IS NOT NULL") == "t")
    ward.at_standby("SELECT pg_wal_replay_pause()")
    place.wait(lambda: ward.at_standby("SELECT pg_get_wal_replay_pause_state()") == "paused")
    place.sql("INSERT INTO till SELECT i, repeat('x', 1000) FROM generate_series(1, 4000) AS i")
    received = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) > 4e6"
    place.wait(lambda: ward.at_standby(received) == "t")
    port = ward.url.rsplit(":", 1)[-1].split("/")[0]
    return f"postgresql://postgres@/postgres?host={ward.standby_home}&port={port}"


def replication_lag(place):
    figures = {m["metric"]: m["value"] for m in place.run("monitor_system_health")["result"]["metrics"]}
    return figures["replication_lag"]


def a_standby_whose_clock_differs_is_as_late_as_it_is(version):
    """The time of a commit is the primary's: a standby that takes it for its own is hours behind, or ahead."""
    for seconds in HOURS_AWAY:
        with elsewhere(version, seconds) as place:
            standby = standby_of(place)
            lag = replication_lag(place)
            holds(0 <= lag < 600, f"seen by the primary it is {lag} s behind, {seconds} s away")
            place.env = {f"LBOPS_TEST_PG{version}": standby}
            lag = replication_lag(place)
            holds(0 < lag < 600, f"seen by the standby it is {lag} s behind, {seconds} s away")
            found = place.findings("diagnose_root_cause", min_lag_mb=0.1)
            late = next(f for f in found if f["object"] == "this standby")["evidence"]["seconds_behind"]
            holds(0 < late < 600, f"its diagnosis says {late} s, {seconds} s away")


HOURS_AWAY = (7200, -7200)
# What is built with a sanitizer cannot be preloaded into a server that is not.
CLOCKS = [] if os.environ.get("LBOPS_SANITIZED") else on_each(
    clocks_that_differ_change_no_age, clocks_that_differ_make_no_copy_late, a_standby_whose_clock_differs_is_as_late_as_it_is)
suite(*CLOCKS, a_target_that_hangs_is_told_of_once_and_forgotten_when_it_is_back,
      what_could_not_be_seen_is_over_when_nobody_looks_there_any_more)
