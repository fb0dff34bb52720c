#!/usr/bin/env python3
"""Each of the seven jobs from an archive of its own, in a root with nothing else, against the emulated workspace; and in the
roots of an older and of a newer distribution. What the jobs have learned arrives in the history."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import jobs_alone
from jobs_alone import DELTA, MANIFEST, Root
from roots import root_of
from suite import equal, holds, suite

SEVEN = {
    "branch_manager": ["enforce_ttl_policies", "reset_branch_from_parent", "monitor_branch_count"],
    "cold_archiver": ["identify_cold_data", "archive_cold_data_to_delta"],
    "cost_tracker": ["track_cost_attribution"],
    "index_analyzer": ["run_full_index_analysis"],
    "metric_collector": ["persist_pg_stat_statements", "collect_pg_stat_statements_info", "monitor_system_health",
                         "evaluate_alert_thresholds", "check_txid_wraparound_risk", "monitor_connections"],
    "sync_validator": ["track_sync_freshness", "run_full_sync_validation"],
    "vacuum_scheduler": ["identify_tables_needing_vacuum", "schedule_vacuum_analyze"],
}
LARGEST = 10_000_000
PROGRAM = os.environ["LBOPS_PROGRAM"]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="lbops-alone-"))
DIST = WORK / "dist"
EMULATOR = None


def runs_of(done):
    """The runs of a job, and what it counted."""
    equal(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
    *runs, counted = [json.loads(line) for line in done.stdout.splitlines()]
    equal((counted["failed"], counted["ok"] > 0), (0, True), f"{counted}")
    return [run["tool"] for run in runs]


def run_job(name, folder, **more):
    root = Root(WORK / folder, DIST / f"lbops-{name}.tar.xz", EMULATOR.ready, **more)
    tools = runs_of(root.lbops(name, "--json", "job", name))
    equal(sorted(set(tools) & set(SEVEN[name])), sorted(SEVEN[name]), f"the tools of {name}")
    return root


def upload(root):
    """What waits in the job's outbox goes into the workspace's history, by a lbops that has the service for it."""
    place = root.folder / "place"
    ready = EMULATOR.ready
    text = MANIFEST.format(more=DELTA.format(**ready), **ready).replace("/place/", f"{place}/")
    manifest = WORK / "uploads.toml"
    manifest.write_text(text)
    env = {**os.environ, "LBOPS_TEST_SECRET": ready["client_secret"]}
    done = subprocess.run([PROGRAM, "-m", str(manifest), "--json", "sql", "SELECT tool, status, count(*) AS n FROM tool_runs GROUP BY tool, status"],
                          capture_output=True, text=True, timeout=jobs_alone.PATIENCE_S, check=False, env=env)
    equal(done.returncode, 0, done.stdout + done.stderr)
    equal(root.waiting(), [], "nothing waits any more")
    rows = json.loads(done.stdout)["rows"]
    return {tuple(row.values() if isinstance(row, dict) else row)[0] for row in rows}


def alone(name):
    def test():
        size = jobs_alone.archive(name, DIST, "transport_lakebase", "state_sqlite")
        holds(size < LARGEST, f"{size} bytes")  # xz tries less hard here than for what is given away
        root = run_job(name, name)
        holds(root.waiting(), "records wait in its outbox")
        found = upload(root)
        equal(sorted(found & set(SEVEN[name])), sorted(SEVEN[name]), "what the history knows of")
        shutil.rmtree(root.folder)
    test.__name__ = f"{name}_alone"
    return test


def commits_by_itself():
    """With DuckDB and the service for the workspace's history, and nobody else to upload anything."""
    folder = WORK / "own"
    jobs_alone.archive("metric_collector", folder, "transport_lakebase", "state_sqlite", "delta_databricks", level=0)
    root = Root(WORK / "itself", folder / "lbops-metric_collector.tar.xz", EMULATOR.ready, delta=True)
    runs_of(root.lbops("metric_collector", "--json", "job", "metric_collector"))
    done = root.lbops("metric_collector", "--json", "sql", "SELECT count(*) AS n FROM lakebase_metrics")
    equal(done.returncode, 0, done.stdout + done.stderr)
    row = json.loads(done.stdout)["rows"][0]
    holds(int((list(row.values()) if isinstance(row, dict) else row)[0]) > 20, f"{row}")
    equal(root.waiting(), [], "nothing waits")
    shutil.rmtree(root.folder)


def in_root_of(release):
    def test():
        base = root_of(release)
        root = run_job("metric_collector", release, base=base)
        print("    " + (root.folder / "etc" / "debian_version").read_text().strip(), flush=True)
        holds("lakebase_metrics" in root.waiting(), "metrics")
        shutil.rmtree(root.folder)
    test.__name__ = f"metric_collector_in_{release}"
    return test


def main():
    global EMULATOR
    if not jobs_alone.can_enter():
        print("a root of one's own needs root's rights")
        sys.exit(77)
    EMULATOR = jobs_alone.emulator()
    try:
        EMULATOR.project("shop")
        client = EMULATOR.ready["client_id"]
        EMULATOR.finish(EMULATOR.postgres("POST", "projects/shop/branches/production/roles", {"spec": {
            "postgres_role": client, "identity_type": "SERVICE_PRINCIPAL", "auth_method": "LAKEBASE_OAUTH_V1",
            "membership_roles": ["DATABRICKS_SUPERUSER"]}}, role_id="jobs"))
        suite(*[alone(name) for name in SEVEN], commits_by_itself, in_root_of("bullseye"), in_root_of("trixie"))
    finally:
        EMULATOR.stop()
        shutil.rmtree(WORK, ignore_errors=True)


main()
