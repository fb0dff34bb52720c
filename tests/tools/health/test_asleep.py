"""Computes that sleep: what is scheduled leaves them asleep and costs them nothing; a run that wakes one says how long it is awake
for that."""

import json
import os
import subprocess
import time

from health_place import PATIENCE
from place import PROGRAM, Workspace, equal, holds, suite

MORE = """
[schedule]
spread_s = 0
[agents.health]
tools = ["monitor_connections", "evaluate_alert_thresholds", "monitor_system_health"]
[agents.health.tool.monitor_connections]
schedule = "@every 1s"
[agents.health.tool.evaluate_alert_thresholds]
schedule = "@every 1s"
[agents.health.tool.monitor_system_health]
schedule = "@every 1s"
"""
TIMEOUT_S = 60


def until(claim):
    deadline = time.monotonic() + PATIENCE
    while not claim():
        holds(time.monotonic() < deadline, f"not so after {PATIENCE} s")
        time.sleep(0.1)


def rows(place):
    return place.waiting("tool_runs")


def left_asleep(place, state, env):
    """Two rounds of three tools under the daemon: each is left out, and the compute is as it was."""
    place.write(place.more + MORE)
    with (place.dir / "log").open("w") as log:
        daemon = subprocess.Popen([PROGRAM, "-m", str(place.manifest), "serve"], stdout=log, stderr=log, env={**os.environ, **env})
        try:
            def seen():
                done = place.cli("--json", "runs", "--limit", "200")
                runs = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip().startswith("[") else []
                by_tool = {}
                for run in (r for r in runs if r["actor_kind"] == "schedule"):
                    by_tool.setdefault(run["tool"], []).append(run["status"])
                return len(by_tool) == 3 and all(len([s for s in said if s != "running"]) >= 2 for said in by_tool.values()) and by_tool
            until(seen)
            said = {status for statuses in seen().values() for status in statuses} - {"running"}
            equal(said, {"skipped"}, "what runs on it come to")
        finally:
            daemon.terminate()
            daemon.wait()
    equal(state(), "IDLE", "the compute")


def in_a_workspace_it_is_left_asleep_and_waking_is_counted():
    with Workspace(targets=(("production", "production"),)) as place:
        place.project()
        name = "projects/shop/branches/production/endpoints/primary"
        answer = place.emulator.postgres("PATCH", name, {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE",
                                                                   "suspend_timeout_duration": f"{TIMEOUT_S}s"}},
                                         update_mask="spec.suspension")
        place.emulator.finish(answer)
        place.emulator.control("POST", "computes/suspend", {"endpoint": name, "force": True})
        def state():
            return place.emulator.postgres("GET", name).json["status"]["current_state"]
        equal(state(), "IDLE", "it sleeps")
        left_asleep(place, state, {"LBOPS_TEST_SECRET": place.emulator.ready["client_secret"]})
        before = len(rows(place))
        place.targets = place.targets.replace('class = "production"\n', 'class = "production"\nwake = true\n')
        place.write("")
        place.run("monitor_connections")
        place.run("monitor_connections")
        woke, again = rows(place)[before:][-2:]
        holds(TIMEOUT_S <= woke["awake_seconds"], f"the one that woke it: {woke}")
        equal((woke["status"], again["awake_seconds"]), ("ok", 0), "what finds it awake")


suite(in_a_workspace_it_is_left_asleep_and_waking_is_counted)
