"""The state under a running daemon: locked, damaged, missing, full, its process killed again and again."""

import collections
import os
import signal
import sqlite3
import subprocess
import sys
import time

from daemon import HOSTILE, PLUGINS, Daemon, contains, equal, holds, skip, suite

OWN = os.environ["LBOPS_DAEMON_PLUGINS"]
URL = os.environ.get("LBOPS_TEST_PG17")
RUNS = 200
KILLS = 20


def state_of(daemon):
    return next(s for s in daemon.status()["services"] if s["kind"] == "state")


def finished(asks):
    return [ask.finish().exit for ask in asks]


def check_whole(daemon, count):
    """So many runs, each with one final state and one row of history; and nothing is missing from the log."""
    runs = daemon.runs()
    equal(collections.Counter(r["status"] for r in runs), {"ok": count}, "states of runs")
    equal(len({r["id"] for r in runs}), count, "runs by their ids")
    ended = collections.Counter(e["run_id"] for e in daemon.events() if e["kind"] == "run.ended")
    equal({ended[r["id"]] for r in runs}, {1}, "events of the end of a run")
    daemon.cli("events", "--verify", check=0)


# ---- locked ----

def lock(daemon):
    other = sqlite3.connect(daemon.state / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def a_database_locked_for_seconds_holds_runs_up_and_loses_none():
    with Daemon() as daemon:
        daemon.start()
        other = lock(daemon)
        began = time.monotonic()
        asks = [daemon.begin("rests", ms=i % 3) for i in range(20)]
        daemon.wait(lambda: state_of(daemon)["waiting"] > 0, "the runs wait for the state")
        daemon.wait(lambda: time.monotonic() - began > 3, "some seconds pass")
        holds(all(ask.exit is None for ask in asks), "a run went on without the state")
        equal(daemon.status()["state"], "ready", "the daemon meanwhile")
        other.execute("ROLLBACK")
        equal(finished(asks), [0] * 20, "exit codes")
        check_whole(daemon, 20)


def a_lock_longer_than_the_services_patience_is_named_in_the_log_and_outlasted():
    with Daemon() as daemon:
        daemon.start()
        other = lock(daemon)
        ask = daemon.begin("rests")
        daemon.wait(lambda: f"process {os.getpid()}" in daemon.log(), "the log says who holds the lock")
        contains(daemon.log(), "state.db is locked")
        other.execute("ROLLBACK")
        equal(ask.finish().exit, 0, "its exit code")
        check_whole(daemon, 1)


# ---- damaged, missing ----

def stopped_with_a_run(daemon):
    daemon.start()
    equal(daemon.run("rests").exit, 0, "a run")
    equal(daemon.stop(), 0, "its exit code")
    return daemon.state / "state.db"


def spoil(path, offset, length):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * length)


def refused_and_left_alone(daemon, path, *sentences):
    before = path.read_bytes() if path.exists() else None
    refused = daemon.cli("serve")
    equal(refused.returncode, 1, f"its exit code ({refused.stderr})")
    contains(refused.stderr, "state.db", *sentences)
    equal(path.read_bytes() if path.exists() else None, before, "the database after it was refused")


def a_damaged_database_is_refused_with_the_way_out():
    for offset, length in ((0, 64), (4096, 8192), (20, 4)):
        with Daemon() as daemon:
            path = stopped_with_a_run(daemon)
            spoil(path, offset, length)
            refused_and_left_alone(daemon, path, "is damaged", "hint: ")
            refused = daemon.cli("run", "noop")
            holds(refused.returncode != 0, "a run without a daemon took the damaged database")


def a_copy_that_the_hint_names_brings_it_back():
    with Daemon() as daemon:
        path = stopped_with_a_run(daemon)
        copy = path.with_name("state.db.copy")
        daemon.start()
        daemon.wait(copy.exists, "there is a copy")
        equal(daemon.stop(), 0, "its exit code")
        spoil(path, 0, 64)
        refused_and_left_alone(daemon, path, "is damaged", "mkdir bad", "cp state.db.copy state.db")
        hint = daemon.cli("serve").stderr.split("there: ", 1)[1].split(" (the copy", 1)[0]
        subprocess.run(["sh", "-c", hint], cwd=daemon.state, check=True, stderr=subprocess.DEVNULL)  # -wal may be gone
        daemon.start()
        equal(daemon.run("rests").exit, 0, "a run")


def a_database_that_is_missing_is_not_made_anew():
    with Daemon() as daemon:
        path = stopped_with_a_run(daemon)
        kept = path.rename(daemon.place / "kept.db")
        refused_and_left_alone(daemon, path, "is missing", "state.db.id", "a store was here")
        path.touch()
        refused_and_left_alone(daemon, path, "is empty")
        path.unlink()
        kept.rename(path)
        daemon.start()
        equal([r["status"] for r in daemon.runs()], ["ok"], "what it remembers")


def another_store_in_its_place_is_refused():
    with Daemon() as daemon, Daemon(name="other", place=daemon.place) as other:
        path, foreign = stopped_with_a_run(daemon), stopped_with_a_run(other)
        path.write_bytes(foreign.read_bytes())
        refused_and_left_alone(daemon, path, "is another store than the one that")


# ---- full ----

def in_own_mounts(test):
    """Runs the test again in a child with mounts of its own."""
    if os.geteuid() != 0:
        skip("only root can mount a small file system")
    child = subprocess.run(["unshare", "--mount", sys.executable, "-B", __file__, test.__name__],
                           env={**os.environ, "LBOPS_OWN_MOUNTS": "1"}, capture_output=True, text=True, check=False)
    if "unshare failed" in child.stderr:
        skip(child.stderr.strip())
    holds(child.returncode == 0, child.stdout + child.stderr)
    if "  skipped " in child.stdout:
        skip(child.stdout.split(": ", 1)[1].splitlines()[0])


def fill(place):
    """Takes all the room that is left."""
    with open(place / "filler", "wb", buffering=0) as filler:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


def a_full_disk_holds_runs_up_until_there_is_room_again():
    if not os.environ.get("LBOPS_OWN_MOUNTS"):
        in_own_mounts(a_full_disk_holds_runs_up_until_there_is_room_again)
        return
    with Daemon('[services.state]\nplugin = "state_sqlite"\ncopy_hours = 0\n') as daemon:
        daemon.state.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(daemon.state)],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode:
            skip(mounted.stderr.strip())
        try:
            daemon.start()
            equal(daemon.run("rests").exit, 0, "a run while there is room")
            fill(daemon.state)
            asks = [daemon.begin("rests", ms=1) for _ in range(10)]
            daemon.wait(lambda: "there is no room" in daemon.log(), "the log says that the disk is full")
            holds(all(ask.exit is None for ask in asks), "a run has ended that nobody could write down")
            equal(daemon.status()["state"], "ready", "the daemon meanwhile")
            (daemon.state / "filler").unlink()
            equal(finished(asks), [0] * 10, "exit codes")
            check_whole(daemon, 11)
            equal(daemon.stop(), 0, "its exit code")
        finally:
            daemon.close()
            subprocess.run(["umount", "--lazy", str(daemon.state)], check=False)


# ---- its process ----

def wait_for_another(daemon, pid):
    def is_there():
        state = state_of(daemon)
        return state["up"] and state["pid"] != pid
    daemon.wait(is_there, "another process serves the state")


def kill_state(daemon):
    """Kills the process and returns when another has taken its place."""
    pid = state_of(daemon)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for_another(daemon, pid)
    return time.monotonic()


def its_process_killed_20_times_during_200_runs_costs_nothing():
    with Daemon() as daemon:
        daemon.start()
        asks, up = [], time.monotonic()
        for kill in range(KILLS):
            # A process that lived for more than a second is replaced after a tenth of one.
            daemon.wait(lambda: time.monotonic() - up > 1.1, "it lives for a second")
            for i in range(RUNS // KILLS):
                asks.append(daemon.begin("rests", ms=(kill + i) % 7))
            up = kill_state(daemon)
        equal(finished(asks), [0] * RUNS, "exit codes")
        check_whole(daemon, RUNS)
        kinds = collections.Counter(e["kind"] for e in daemon.events() if e["payload"].get("service") == "state")
        equal(kinds, {"service.down": KILLS, "service.up": KILLS}, "events of the service")
        reasons = {e["payload"]["reason"] for e in daemon.events() if e["kind"] == "service.down"}
        equal(reasons, {"the process of state_sqlite has ended: it was ended by SIGKILL"}, "what they say")
        equal(daemon.stop(), 0, "its exit code")


def a_process_that_was_stopped_and_not_ended_is_replaced():
    with Daemon() as daemon:
        daemon.start()
        pid = state_of(daemon)["pid"]
        os.kill(pid, signal.SIGSTOP)
        ask = daemon.begin("rests")
        wait_for_another(daemon, pid)
        equal(ask.finish().exit, 0, "its exit code")
        check_whole(daemon, 1)
        down = [e["payload"]["reason"] for e in daemon.events() if e["kind"] == "service.down"]
        contains(str(down), "hung and was ended")


def a_process_that_is_told_to_end_hands_its_work_over():
    with Daemon() as daemon:
        daemon.start()
        pid = state_of(daemon)["pid"]
        os.kill(pid, signal.SIGTERM)
        wait_for_another(daemon, pid)
        equal(daemon.run("rests").exit, 0, "a run afterwards")
        other, pid = lock(daemon), state_of(daemon)["pid"]
        ask = daemon.begin("rests")
        daemon.wait(lambda: state_of(daemon)["waiting"] > 0, "the run waits for the state")
        os.kill(pid, signal.SIGTERM)
        daemon.wait(lambda: state_of(daemon)["pid"] != pid, "it has gone")
        other.execute("ROLLBACK")
        equal(ask.finish().exit, 0, "its exit code")
        check_whole(daemon, 2)


def psql(*words):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", URL, *words], capture_output=True, text=True, check=True,
                          timeout=60).stdout.strip()


def a_statement_that_somebody_cancels_is_sent_again():
    if not URL:
        skip("no Postgres")
    schema = f"cancels_{os.getpid()}"
    with Daemon(f'[services.state]\nplugin = "state_postgres"\ndsn = "{URL}"\nschema = "{schema}"\n') as daemon:
        daemon.start()
        with subprocess.Popen(["psql", "-XAtq", "-d", URL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            holder.stdin.write(f"BEGIN; LOCK TABLE {schema}.store, {schema}.document IN ACCESS EXCLUSIVE MODE; SELECT pg_backend_pid();\n")
            holder.stdin.flush()
            pid = holder.stdout.readline().strip()
            ask = daemon.begin("rests")
            daemon.wait(lambda: psql("-c", "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity "
                                           f"WHERE {pid} = ANY (pg_blocking_pids(pid))") != "0", "a statement to cancel")
            daemon.wait(lambda: "cancel" in daemon.log(), "the log says what happened")
            holder.stdin.close()  # its lock with it
        equal(ask.finish().exit, 0, "its exit code")
        check_whole(daemon, 1)
        equal(daemon.stop(), 0, "its exit code")
    psql("-c", f"DROP SCHEMA {schema} CASCADE")


# ---- never open ----

def never_opens(how):
    return Daemon(f'[services.state]\nplugin = "state_dies"\nhow = "{how}"\n', plugins=[PLUGINS, HOSTILE, OWN])


def a_store_that_refuses_to_open_ends_the_start_with_its_own_words():
    with never_opens("refuses") as daemon:
        refused = daemon.cli("serve", check=1)
        contains(refused.stderr, "error: ", "the store is locked with a key", "hint: ask whoever has the key")


def a_process_that_dies_while_it_opens_is_tried_three_times():
    for how, death in (("aborts", "SIGABRT"), ("exits", "exit")):
        with never_opens(how) as daemon:
            refused = daemon.cli("serve", check=4)
            contains(refused.stderr, "the process of state_dies has ended", death)


def a_database_that_cannot_be_reached_is_exit_code_4():
    with Daemon('[services.state]\nplugin = "state_postgres"\ndsn = "host=/nowhere dbname=none"\n') as daemon:
        refused = daemon.cli("serve", check=4)
        contains(refused.stderr, "error: ", "/nowhere", "hint: ")


suite(a_database_locked_for_seconds_holds_runs_up_and_loses_none,
      a_lock_longer_than_the_services_patience_is_named_in_the_log_and_outlasted,
      a_damaged_database_is_refused_with_the_way_out,
      a_copy_that_the_hint_names_brings_it_back,
      a_database_that_is_missing_is_not_made_anew,
      another_store_in_its_place_is_refused,
      a_full_disk_holds_runs_up_until_there_is_room_again,
      its_process_killed_20_times_during_200_runs_costs_nothing,
      a_process_that_was_stopped_and_not_ended_is_replaced,
      a_process_that_is_told_to_end_hands_its_work_over,
      a_statement_that_somebody_cancels_is_sent_again,
      a_store_that_refuses_to_open_ends_the_start_with_its_own_words,
      a_process_that_dies_while_it_opens_is_tried_three_times,
      a_database_that_cannot_be_reached_is_exit_code_4, at_once=4)
