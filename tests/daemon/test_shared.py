"""Two daemons that share their state in Postgres: each due run happens once, and a dead one's targets are taken over."""

import collections
import datetime
import os
import sys
import time

from daemon import Daemon, equal, holds, suite

TARGETS = 20
LEASE_S = 20
MINUTE = 60

URL = os.environ.get("LBOPS_TEST_PG17")
if not URL:
    sys.exit(77)


def manifest():
    targets = "".join(
        f'[[targets]]\nproject = "shop"\nbranch = "b{i}"\nclass = "throwaway"\n' for i in range(TARGETS))
    return f"""
[services.state]
plugin = "state_postgres"
dsn = "{URL}"
schema = "shared_{os.getpid()}"

[schedule]
spread_s = 10

{targets}
[agents.example.tool.example_tables]
schedule = "* * * * *"
"""


def slots(daemon):
    """Finished scheduled runs: per slot, how often each target was run."""
    found = collections.defaultdict(collections.Counter)
    for run in daemon.runs():
        slot = run.get("origin", {}).get("slot")
        if slot and run["status"] != "running":
            found[slot[:16]][run["branch"]] += 1
    return found


def slot_name(wall):
    return datetime.datetime.fromtimestamp(wall, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M")


def once(counts):
    return len(counts) == TARGETS and all(n == 1 for n in counts.values())


def each_due_run_happens_once_and_a_dead_hosts_targets_move():
    with Daemon(manifest(), "a") as a, Daemon(manifest(), "b", a.place) as b:
        a.start()
        b.start()
        b.wait(lambda: a.status()["leased"] + b.status()["leased"] == TARGETS and a.status()["leased"] and
               b.status()["leased"], "both have targets and together all of them", 60)
        shares = a.status()["leased"], b.status()["leased"]
        first = (int(time.time()) // MINUTE + 1) * MINUTE
        b.wait(lambda: once(slots(b)[slot_name(first)]), "each target has its run", MINUTE + 25)
        a.kill()
        died = time.monotonic()
        b.wait(lambda: b.status()["leased"] == TARGETS, "the other has all targets", LEASE_S + 15)
        took = time.monotonic() - died
        second = first + MINUTE
        b.wait(lambda: once(slots(b)[slot_name(second)]), "each target has its next run", 2 * MINUTE + 30)
        for name, counts in slots(b).items():
            holds(all(n == 1 for n in counts.values()), f"a run of {name} happened twice: {counts}")
        holds(took <= LEASE_S + 10, f"it took {took:.0f} s to take the targets over")
        equal(b.stop(), 0, "its exit code")
        print(f"    shares {shares}; {TARGETS} targets taken over {took:.1f} s after a kill -9")


suite(each_due_run_happens_once_and_a_dead_hosts_targets_move)
