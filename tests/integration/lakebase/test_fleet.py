#!/usr/bin/env python3
"""A daemon over many projects of which some are down, in the emulated workspace: those that answer keep their schedule.

Down are projects that refuse connections and projects that take one and say nothing, which is worse: each costs a worker
its whole time to connect."""
import concurrent.futures
import os
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("emulator", "daemon"):
    sys.path.insert(0, str(HERE.parents[1] / folder))
sys.dont_write_bytecode = True

import harness  # noqa: E402
from daemon import Daemon, contains, equal, holds, suite  # noqa: E402
from scenario import seconds  # noqa: E402

HEALTHY = [f"up-{i:02d}" for i in range(9)]
REFUSING, SILENT = ["refuses-0", "refuses-1", "refuses-2"], ["silent-0", "silent-1"]
PATIENCE_S, CONNECT_S, ROUNDS = 30, 2, 3
# What the silent ones can cost the others in a round: both workers, once. The rest is what a busy machine takes.
LATE_S = CONNECT_S + (20 if os.environ.get("LBOPS_SANITIZED") else 10)


class Clock:
    """The daemon's wall clock, so that nobody waits for a minute."""

    def __init__(self, place):
        self.file = place / "clock"
        self.shim = shutil.copy(f"{os.environ['LBOPS_DAEMON_PLUGINS']}/wall_clock.so", place)
        self.off = 0
        self.go_to(5)

    def env(self):
        return {"LD_PRELOAD": self.shim, "WALL_CLOCK": str(self.file)}

    def now(self):
        return time.time() + self.off

    def go_to(self, second):
        """On to that second of this minute, or of the next."""
        self.off += int((second - self.now()) % 60)
        new = self.file.with_suffix(".new")
        new.write_text(str(self.off))
        new.rename(self.file)


def make_projects(emulator):
    named = [emulator.call("POST", "/api/2.0/postgres/projects", {"spec": {}}, {"project_id": name}).json["name"]
             for name in HEALTHY + REFUSING + SILENT]
    for name in named:
        end = time.monotonic() + PATIENCE_S
        while not emulator.call("GET", f"/api/2.0/postgres/{name}").json.get("done"):
            holds(time.monotonic() < end, f"{name} is made")
    for kind, names in (("pg_refuse", REFUSING), ("pg_silent", SILENT)):
        for name in names:
            emulator.control("POST", "faults", {"kind": kind, "count": 0, "match": {"path": f"^projects/{name}/"}})


def manifest():
    targets = "".join(f'[[targets]]\nproject = "{name}"\nbranch = "production"\nclass = "production"\n'
                      for name in HEALTHY + REFUSING + SILENT)
    return (f'{targets}[schedule]\nspread_s = 0\n'
            '[agents.a]\nmission = "look"\ntools = ["example_tables"]\n'
            '[agents.a.tool.example_tables]\nschedule = "* * * * *"\n')


def slots(daemon):
    """Runs of the schedule by project: {slot: run}."""
    found = {}
    for run in daemon.runs():
        if run["actor_kind"] == "schedule":
            found.setdefault(run["project"], {})[run["origin"]["slot"]] = run
    return found


def well(runs, rounds):
    return all(sum(r["status"] == "ok" for r in runs.get(name, {}).values()) >= rounds for name in HEALTHY)


def lateness(runs, offs):
    """The most that a run of a healthy project was late, in seconds. Workers have the machine's clock."""
    return max(seconds(run["started_at"]) + off - seconds(slot) for name in HEALTHY
               for off, (slot, run) in zip(offs, sorted(runs[name].items()), strict=False))


def wake(daemon):
    """An emulated compute starts with its first connection, which may take longer than anybody has in a round."""
    def one(name):
        end = time.monotonic() + PATIENCE_S
        while daemon.run("example_tables", project=name, branch="production").exit != 0:
            holds(time.monotonic() < end, f"{name} is awake")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(one, HEALTHY))


def those_that_answer_keep_their_schedule():
    with harness.Emulator("--set", "operation_s=0", "--set", "settle_s=0") as emulator:
        make_projects(emulator)
        transport = (f'plugin = "transport_lakebase"\nhost = "{emulator.url}"\nca_file = "{emulator.ca}"\n'
                     f'connect_timeout_s = {CONNECT_S}\ntoken = {{ secret = "pat" }}')
        secrets = '[secrets]\npat = { env = "FLEET_PAT" }\n'
        with Daemon(manifest() + secrets, transport=transport) as daemon:
            clock = Clock(daemon.place)  # the first slot is further away than waking takes
            daemon.start(env={**clock.env(), "FLEET_PAT": emulator.ready["pat"]})
            wake(daemon)
            offs = []
            for done in range(1, ROUNDS + 1):
                clock.go_to(58)
                offs.append(clock.off)
                daemon.wait(lambda: well(slots(daemon), done), f"every healthy project has had {done} runs", PATIENCE_S)  # noqa: B023
            runs = slots(daemon)
            late = lateness(runs, offs)
            print(f"  fleet: {len(HEALTHY)} healthy, {len(REFUSING + SILENT)} down, at most {late:.1f} s late", flush=True)
            holds(late < LATE_S, f"a healthy project was {late:.1f} s late")
            for name in HEALTHY:
                equal({r["status"] for r in runs[name].values()} - {"running"}, {"ok"}, name)
            for name in REFUSING + SILENT:
                tried = [r for r in runs.get(name, {}).values() if r["status"] != "running"]
                holds(tried, f"{name} was tried")
                equal({r["error_code"] for r in tried} - {"timeout"}, {"unreachable"}, f"{name}: {tried}")
                for run in tried:
                    contains(run["error"], "cannot connect to")
                holds(len(runs[name]) < ROUNDS, f"{name} backs off: {len(runs[name])} runs")


suite(those_that_answer_keep_their_schedule)
