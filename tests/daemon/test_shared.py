"""Two daemons that share their state in Postgres: each due run happens once, a dead one's targets are taken over, and
what could not be seen of a target is told of once, whoever has it by then."""

import collections
import datetime
import json
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


def a_person_stops_a_tool_everywhere():
    own = manifest().replace("shared_", "words_")
    with Daemon(own, "a") as a, Daemon(own, "b", a.place) as b:
        a.start()
        b.start()
        equal(b.run("rests").exit, 0, "it runs")
        a.cli("tools", "rests", "--suspend", "--as", "ada", "--because", "not tonight", check=0)
        b.wait(lambda: "by ada: not tonight" in b.cli("run", "rests").stderr, "the other host has heard of it", 30)
        a.cli("tools", "rests", "--resume", check=0)
        b.wait(lambda: b.run("rests").exit == 0, "and of its end", 30)


def looking(fails, count=TARGETS):
    """Looks at the first targets each few seconds, and sees nothing of them, or all."""
    targets = "".join(
        f'[[targets]]\nproject = "shop"\nbranch = "b{i}"\nclass = "throwaway"\n' for i in range(count))
    return f"""
[services.state]
plugin = "state_postgres"
dsn = "{URL}"
schema = "sight_{os.getpid()}"

[services.alert.log]
plugin = "alert_file"

[schedule]
spread_s = 0
backoff_max_s = 1

{targets}
[agents.hostile.tool.visits]
schedule = "@every 3s"
params = {{ fails = {str(fails).lower()} }}
"""


def change(daemon, *args):
    daemon.write(looking(*args))
    daemon.reload()


def told(daemon, kind):
    """How often it has told that, of each branch."""
    return collections.Counter(e["branch"] for e in daemon.events() if e["kind"] == kind)


def notes(daemon):
    """What people were told of targets that cannot be seen."""
    path = daemon.state / "alerts" / "log" / "alerts.ndjson"
    told = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [note for note in told if note["alert"]["kind"] == "target.unseen"]


def sinces(daemon, kind):
    return {e["branch"]: e["payload"]["since"] for e in daemon.events() if e["kind"] == kind}


def share(one, other):
    one.wait(lambda: one.status()["leased"] + other.status()["leased"] == TARGETS and one.status()["leased"] and
             other.status()["leased"], "both have targets and together all of them", 60)


def branches(count=TARGETS):
    return collections.Counter(f"b{i}" for i in range(count))


def what_one_host_could_not_see_another_one_does():
    """Blindness moves with the target: its end is told once and by who has it, with the beginning as it was; that nobody
    looks there any more, too."""
    with Daemon(looking(False), "a") as a, Daemon(looking(False), "b", a.place) as b:
        a.start()
        b.start()
        share(a, b)
        change(a, True)
        a.wait(lambda: len(told(a, "target.unseen")) == a.status()["leased"], "the first is blind")
        blind, begun = told(a, "target.unseen"), sinces(a, "target.unseen")
        equal((told(b, "target.unseen"), set(blind.values())), (collections.Counter(), {1}), "only the first has told, once")
        a.wait(lambda: notes(a), "people hear of it")
        for note in notes(a):
            holds(all(words.startswith("lbops ") for words in note["next"].split("; ")), f"a line to paste: {note['next']}")
        a.kill()
        b.wait(lambda: told(b, "target.seen") == blind, "the other one sees what the dead one could not", LEASE_S + 40)
        equal(sinces(b, "target.seen"), begun, "since when that was")

        change(b, True)
        b.wait(lambda: told(b, "target.unseen") == branches(), "the other one is blind")
        a.write(looking(False))
        a.start()
        share(a, b)
        moved = a.status()["leased"]
        a.wait(lambda: len(told(a, "target.seen")) == moved, "the first sees what has come to it")
        before = told(b, "target.seen")
        change(b, False)
        rest = branches() - told(a, "target.seen")
        b.wait(lambda: told(b, "target.seen") - before == rest, "the other one sees what it has kept")
        looks = len(b.runs())
        equal(a.stop(), 0, "its exit code")
        b.wait(lambda: b.status()["leased"] == TARGETS, "all of them are back", 60)
        b.wait(lambda: len(b.runs()) > looks + 3 * TARGETS, "it has looked at all of them", 60)
        equal(told(b, "target.seen") - before, rest, "nobody tells an end that another one has told")

        change(b, True)
        b.wait(lambda: told(b, "target.unseen") == branches() + branches(), "the other one is blind again")
        a.write(looking(True))
        a.start()
        share(a, b)
        left = branches() - branches(3)
        for daemon in (a, b):
            change(daemon, True, 3)
        b.wait(lambda: told(a, "target.left") + told(b, "target.left") == left, "that it is left is told", 60)
        for daemon in (a, b):
            equal(daemon.stop(), 0, "its exit code")
            daemon.start()
        b.wait(lambda: a.status()["leased"] + b.status()["leased"] == 3, "both are back", 60)
        equal(told(a, "target.left") + told(b, "target.left"), left, "and it is told once")
        equal(told(a, "target.unseen") + told(b, "target.unseen"), blind + branches() + branches(), "what has begun")
        for daemon in (a, b):
            equal(daemon.stop(), 0, "its exit code")


suite(each_due_run_happens_once_and_a_dead_hosts_targets_move, a_person_stops_a_tool_everywhere, what_one_host_could_not_see_another_one_does, at_once=2)
