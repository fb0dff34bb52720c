"""kill -9 of the supervisor while runs and approvals are under way: nothing is lost, and nothing happens twice."""

import collections
import datetime
import os
import random
import threading
import time

from daemon import Ask, Daemon, equal, holds, suite

RUNS = 200
APPROVALS = 50
ROUNDS = int(os.environ.get("LBOPS_KILL_ROUNDS", "4"))


def ask_for_lines(daemon, path, count):
    """So many groups that wait: each appends a line of its own."""
    waiting = [Ask(daemon, {"verb": "run", "tool": "appends", "name": "tester", "args": [
        {"name": "file", "text": str(path)}, {"name": "line", "text": f"line-{i}"},
        {"name": "slowly", "text": "true" if i % 3 == 0 else "false"}]}) for i in range(count)]
    for ask in waiting:
        equal(ask.finish().exit, 3, "a run that has to ask")
    return daemon.approvals()


def send_all(daemon, approvals, started):
    """Runs and decisions as fast as they go, until the daemon dies or has answered everything."""
    asks = []
    try:
        for i in range(RUNS):
            time.sleep(0.002)  # spread, so that death finds some begun, some waiting and some not asked for yet
            asks.append(Ask(daemon, {"verb": "run", "tool": "rests", "name": "tester", "args": [
                {"name": "ms", "text": str(i % 7)}]}))
            if i % (RUNS // APPROVALS) == 0:
                a = approvals[i // (RUNS // APPROVALS)]
                asks.append(Ask(daemon, {"verb": "approve", "id": a["id"], "name": "anna", "reason": "the test says so"}))
        for ask in asks:
            ask.finish(10)
    except OSError:
        pass  # it is dead: that is the point
    for ask in asks:
        document = ask.member("document")
        if document:
            started[document["run_id"]] = document["status"]


def settle(daemon):
    """The next daemon goes on with what was approved, and nothing is open in the end."""
    def is_quiet():
        open_ones = [a for a in daemon.approvals() if a["status"] in ("approved", "executing")]
        return not open_ones and daemon.status()["pending"] == 0
    daemon.wait(is_quiet, "everything that was approved has an end")


def check_runs(daemon, told, killed, counts):
    runs = daemon.runs()
    for run in runs:
        holds(run["status"] != "crashed" or run["at"] < killed, f"what the kill ended began before it, at {killed}: {run}")
    by_id = collections.Counter(r["id"] for r in runs)
    holds(all(n == 1 for n in by_id.values()), "a run has two final states")
    holds(all(r["status"] != "running" for r in runs), "a run has no final state")
    status = {r["id"]: r["status"] for r in runs}
    for run_id, said in told.items():
        equal(status.get(run_id), said, f"run {run_id}: what was told and what is written")
    rows = collections.Counter(r["run_id"] for r in daemon.rows("tool_runs"))
    for run_id in status:
        equal(rows[run_id], 1, f"rows of history of run {run_id} ({status[run_id]})")
    counts.update(status.values())


def check_approvals(daemon, path, counts):
    lines = collections.Counter(path.read_text().split() if path.exists() else [])
    audited = collections.Counter(r["group_title"] for r in daemon.rows("audit_log") if r.get("outcome"))
    for a in daemon.approvals():
        line = a["title"].split()[1]
        done = lines[line]
        counts[a["status"]] += 1
        holds(done <= 1, f"{line} was appended {done} times ({a['status']})")
        if a["status"] == "executed":
            equal(done, 1, f"{line} of an executed approval")
        elif a["status"] == "unknown":
            holds(a.get("look"), f"{line}: unknown, and nothing to look at")
        else:
            equal(done, 0, f"{line} of an approval that is {a['status']}")
        if done:
            holds(audited[a["title"]] >= 1, f"{line} changed the world and is not in the audit log")


def one_round(number, totals):
    chance = random.Random(number)
    with Daemon(name="kill") as daemon:
        path = daemon.place / "lines"
        daemon.start()
        approvals = ask_for_lines(daemon, path, APPROVALS)
        equal(len(approvals), APPROVALS, "requests that wait")
        told = {}
        sender = threading.Thread(target=send_all, args=(daemon, approvals, told))
        sender.start()
        time.sleep(chance.uniform(0.02, 0.6))  # the moment of death is what differs from round to round
        killed = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        daemon.kill()
        sender.join()
        daemon.start()
        settle(daemon)
        check_runs(daemon, told, killed, totals["runs"])
        check_approvals(daemon, path, totals["approvals"])
        checked = daemon.cli("events", "--verify", check=0).stdout.strip()
        ended = collections.Counter(e["run_id"] for e in daemon.events() if e["kind"] == "run.ended")
        for run_id in told:
            equal(ended[run_id], 1, f"events of the end of run {run_id}")
        equal(daemon.stop(), 0, "its exit code")
        print(f"    round {number}: {len(told)} runs told before the kill; {checked.splitlines()[-1]}")


def killed_during_200_runs_and_50_approvals():
    totals = {"runs": collections.Counter(), "approvals": collections.Counter()}
    for number in range(ROUNDS):
        one_round(number, totals)
    print(f"    runs {dict(totals['runs'])}; approvals {dict(totals['approvals'])}")


suite(killed_during_200_runs_and_50_approvals)
