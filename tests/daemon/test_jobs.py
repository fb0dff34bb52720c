"""Jobs: named tools run once, one after the other, by the command line alone and through a daemon."""

import json
import pathlib
import shutil
import tempfile

from daemon import FIXTURES, HOSTILE, PLUGINS, Daemon, contains, equal, suite

OWN = """
[[targets]]
project = "shop"
branch = "production"
class = "production"

[[targets]]
project = "shop"
branch = "staging"
class = "shared"

[agents.tests]
tools = ["rests", "steps"]

[agents.tests.tool.steps]
disabled = true

[[jobs]]
name = "two"
cron = "*/5 * * * *"
tools = ["example_tables", "noop", "steps"]

[[jobs]]
name = "twice"
cron = "@daily"
tools = ["example_tables", "visits"]

[[jobs]]
name = "asks"
cron = "@daily"
tools = ["proposes"]

[agents.tests.tool.proposes]
params = { drops = ["orders_note_idx"] }

[[jobs]]
name = "long"
cron = "@daily"
timeout_s = 1
tools = ["rests", "noop"]

[agents.tests.tool.rests]
params = { ms = 15000 }

[[jobs]]
name = "cost_tracker"
summary = "our own"
cron = "0 6 * * *"
tools = ["noop"]
"""

UNTOLD = """
[[jobs]]
name = "untold"
cron = "@daily"
tools = ["example_vacuum"]

[[jobs]]
name = "half_told"
cron = "@daily"
tools = ["example_vacuum", "noop"]
"""


def lines(daemon, *words, check=0):
    out = daemon.cli("--json", *words, check=check).stdout
    return [json.loads(line) for line in out.splitlines()]


def a_job_runs_its_tools_in_order_on_all_targets():
    with Daemon(OWN) as daemon:
        for served in (False, True):
            if served:
                daemon.start()
            *runs, result = lines(daemon, "job", "two")
            equal([r["tool"] for r in runs], ["example_tables", "example_tables", "noop"], "tools in order")
            equal(sorted(r["target"]["branch"] for r in runs[:2]), ["production", "staging"], "targets")
            equal((result["runs"], result["ok"]), (3, 3), "the result: the tool that is switched off is left out")
        started = {(r["tool"], r["actor_kind"], r["actor"]) for r in daemon.runs()}
        equal(started, {("example_tables", "schedule", "two"), ("noop", "schedule", "two")}, "who asked")


def a_tool_is_through_everywhere_before_the_next_begins():
    with tempfile.TemporaryDirectory() as place:
        fixtures = pathlib.Path(place) / "fixtures"
        shutil.copytree(FIXTURES, fixtures)
        asked = fixtures / "sql" / "example" / "largest_tables.json"
        cases = json.loads(asked.read_text())
        for case in cases:
            case["delay_ms"] = 1500 if case.get("target", {}).get("branch") == "production" else 0
        asked.write_text(json.dumps(cases))
        with Daemon(OWN, transport=f'plugin = "transport_mock"\nfixtures = "{fixtures}"') as daemon:
            daemon.start()
            *runs, _ = lines(daemon, "job", "twice")
            equal([(r["tool"], r["target"]["branch"]) for r in runs[:2]],
                  [("example_tables", "staging"), ("example_tables", "production")], "the slow one holds the next tool up")
            equal([r["tool"] for r in runs[2:]], ["visits", "visits"], "then the next")


def what_waits_for_approval_is_counted_and_no_failure():
    with Daemon(OWN) as daemon:
        result = lines(daemon, "job", "asks")[-1]
        equal((result["pending_approval"], result["failed"]), (2, 0), "the result")
        lines(daemon, "job", "asks", "--strict", check=3)


def a_job_ends_with_its_time_and_says_what_it_left():
    with Daemon(OWN) as daemon:
        done = daemon.cli("--json", "job", "long", check=1)
        *runs, result = [json.loads(line) for line in done.stdout.splitlines()]
        equal({r["status"] for r in runs}, {"timeout"}, "runs that were under way")
        equal(result["failed"], 2, "failures: a run, and a tool that did not begin")
        contains(done.stderr, "the job's time was over before noop")


def a_job_without_its_tools_runs_nothing():
    with tempfile.TemporaryDirectory() as few:
        for name in ("transport_mock", "state_sqlite", "noop", "example_tables", "track_sync_freshness"):
            shutil.copy(pathlib.Path(PLUGINS) / f"{name}.so", few)
        with Daemon(OWN, plugins=(few, HOSTILE)) as daemon:
            refused = daemon.cli("job", "sync_validator", check=1)
            contains(refused.stderr, "needs the tool run_full_sync_validation", "which is not here", "hint: ")
            contains(daemon.cli("job", "too", check=2).stderr, "there is no job too", "did you mean two?")
            contains(daemon.cli("job", check=2).stderr, "needs the name")
            equal(daemon.cli("--json", "runs", check=0).stdout.strip(), "[]", "runs")


def the_seven_are_there_and_ours_takes_the_place_of_one():
    with Daemon(OWN) as daemon:
        listed = {j["name"]: j for j in json.loads(daemon.cli("--json", "jobs", check=0).stdout)}
        shipped = {"metric_collector": "*/5 * * * *", "index_analyzer": "0 * * * *", "vacuum_scheduler": "0 2 * * *",
                   "sync_validator": "*/15 * * * *", "branch_manager": "0 */6 * * *", "cold_archiver": "0 3 * * 0"}
        for name, cron in shipped.items():
            equal((listed[name]["schedule"], listed[name]["from"]), (cron, "lbops"), name)
        equal((listed["cost_tracker"]["from"], listed["cost_tracker"]["tools"]), ("manifest", ["noop"]), "our own")
        equal(listed["two"]["missing"], [], "what is missing of a job whose tools are here")


def a_job_of_which_nothing_could_begin_has_failed():
    with Daemon(OWN + UNTOLD) as daemon:
        result = lines(daemon, "job", "untold", check=1)[-1]
        equal((result["ok"], result["failed"], result["skipped"]), (0, 0, 2), "nobody says which table")
        equal(lines(daemon, "job", "half_told", check=0)[-1]["skipped"], 2, "where something ran, it is left out")
        equal(lines(daemon, "job", "two", "--project", "shop", check=0)[-1]["ok"], 3, "of one project")
        contains(daemon.cli("job", "two", "--project", "shpo", check=1).stderr, "there is no project shpo")


def a_job_in_the_manifest_is_checked():
    with Daemon(OWN + '[[jobs]]\nname = "two"\ncron = "61 * * * *"\ntools = ["nop"]\n') as daemon:
        refused = daemon.cli("check", check=2).stderr
        contains(refused, "there are two jobs two", "61")
    with Daemon(OWN + '[[jobs]]\nname = "three"\ncron = "@daily"\ntools = ["nop"]\n') as daemon:
        contains(daemon.cli("check", check=2).stderr, "nop", "did you mean noop?")


suite(a_job_runs_its_tools_in_order_on_all_targets, a_tool_is_through_everywhere_before_the_next_begins, what_waits_for_approval_is_counted_and_no_failure,
      a_job_ends_with_its_time_and_says_what_it_left, a_job_without_its_tools_runs_nothing,
      the_seven_are_there_and_ours_takes_the_place_of_one, a_job_of_which_nothing_could_begin_has_failed, a_job_in_the_manifest_is_checked, at_once=3)
