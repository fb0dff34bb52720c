"""What `lbops cycle` reports, as JSON, text and a page; and a cycle that is killed and goes on."""
import collections
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import tempfile

from common import PATIENCE, PROGRAM, ROOT
from outline import Outline
from suite import contains, equal, holds, suite

PLACE = tempfile.TemporaryDirectory(prefix="lbops cycle manifest ")
WORDS = [PROGRAM, "-m", f"{PLACE.name}/mock.toml"]


def write_manifest():
    """The mock manifest, with two tools in its cycle that nobody says there what to work on."""
    text = (ROOT / "etc" / "mock.toml").read_text().replace('"fixtures/mock"', json.dumps(str(ROOT / "etc" / "fixtures" / "mock")))
    asked, left_out = 'cycle = ["example_tables"]', 'cycle = ["example_tables", "example_cleanup", "example_vacuum"]'
    holds(asked in text, "the cycle of the examples")
    with open(WORDS[2], "w", encoding="utf-8") as file:
        file.write(text.replace(asked, left_out))


class Mock:
    """The mock manifest with a state of its own."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lbops cycle ")
        self.env = {**os.environ, "LBOPS_STATE_DIR": f"{self.folder.name}/state"}
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def cli(self, *words, check=0):
        done = subprocess.run([*WORDS, *words], capture_output=True, text=True, env=self.env, timeout=PATIENCE, check=False)
        equal(done.returncode, check, f"exit of {words}: {done.stderr[-1500:]}")
        return done

    def cycle(self, *words):
        lines = [json.loads(line) for line in self.cli("--json", "cycle", *words).stdout.splitlines()]
        return lines[:-1], lines[-1]

    def ended(self):
        return json.loads(self.cli("--json", "runs", "--limit", "1000").stdout)


def place(document):
    target = document.get("target")
    return f"{target['project']}/{target['branch']}" if target else "workspace"


def the_report_adds_up():
    with Mock() as mock:
        page = f"{mock.folder.name}/report page.html"
        runs, result = mock.cycle("--html", page)
        report = result["report"]
        totals = report["totals"]
        equal(sum(p["runs"] for p in report["phases"]), len(runs), "runs by phase")
        equal([p["name"] for p in report["phases"]],
              PHASES, "phases")
        by_place = collections.Counter(place(run) for run in runs)
        equal({t["target"]: t["runs"] for t in report["targets"]}, dict(by_place), "runs by branch")
        for status in ("ok", "pending_approval"):
            equal(totals[status], sum(run["status"] == status for run in runs), status)
            equal(totals[status], sum(p[status] for p in report["phases"]), f"{status} by phase")
        found = [f for run in runs for f in run["result"].get("findings", [])]
        equal([totals["findings"], len(report["found"])], [len(found), len(found)], "findings")
        changed = [c for run in runs for c in run["changes"] if c["executed"] and c["effect"] != "read"]
        equal([totals["changed"], [c["statement"] for c in report["fixed"]]],
              [len(changed), [c["statement"] for c in changed]], "changes")
        equal(totals["records"], sum(run["records"] for run in runs), "records")
        waiting = {a["id"] for a in json.loads(mock.cli("--json", "approvals").stdout)}
        equal({a["id"] for a in report["asked"]}, waiting, "what waits")
        holds(waiting and all(a["title"] for a in report["asked"]), "titles")
        equal([shlex.split(a["command"])[:5] for a in report["asked"]],
              [["lbops", *WORDS[1:], "approve", a["id"]] for a in report["asked"]], "commands, with the manifest that was named")
        left_out = [s["tool"] for s in report["skipped"] if "needs" in s["message"]]
        equal(sorted(left_out), ["example_cleanup", "example_vacuum"], "what was left out, once each, and why")
        known = {tool["name"] for tool in json.loads(mock.cli("--json", "tools").stdout)
                 if tool["agent"] != "provisioning"}  # which that manifest does not have
        told = {t["tool"] for t in runs + result["left_out"] + report["not_in_cycle"]}
        equal(known - told, set(), "tools that neither ran nor say why not")
        holds(all(len(t["why"]) > 10 for t in report["not_in_cycle"]), "why they did not run")
        equal(told_of(report), (len(known - HELPERS), len(known & HELPERS)), "tools by agent")
        equal({t["tool"] for t in report["tools"]}, known, "each tool has its line")
        holds(all(t["outcome"] in ("ran", "waiting") or len(t["why"]) > 10 for t in report["tools"]), "and each its reason")
        equal({t["tool"] for t in report["tools"] if t["outcome"] == "waiting"} - {run["tool"] for run in runs if run["status"] == "pending_approval"},
              set(), "who waits")
        equal(report["history"], f"{mock.folder.name}/state/history", "where the history lies")
        look_at(open(page, encoding="utf-8").read(), report)


HELPERS = {"branch_schemas", "branch_sessions", "branch_workload", "read_schema", "rehearsal_on_branch", "prove_index_on_branch",
           "execute_on_branch", "prove_rewrite_on_branch", "rebuild_index_on_branch", "incident_on_branch"}


def told_of(report):
    """Tools and helpers, by the agents' counts; each tool is counted once."""
    outcomes = ("ran", "without_work", "waiting", "failed", "skipped", "not_in_cycle")
    for agent in report["agents"]:
        equal(sum(agent[outcome] for outcome in outcomes), agent["tools"], f"{agent}")
    return sum(agent["tools"] for agent in report["agents"]), sum(agent["helpers"] for agent in report["agents"])


# What was promised for the three agents.
PROMISED = {
    "provisioning": "provision_lakebase_project create_ops_catalog create_branch protect_branch enforce_ttl_policies monitor_branch_count"
                    " reset_branch_from_parent create_branch_on_pr delete_branch_on_pr_close apply_schema_migration capture_schema_diff"
                    " test_migration_on_branch setup_cicd_pipeline configure_rls setup_unity_catalog_integration"
                    " setup_ai_agent_branching provision_with_governance".split(),
    "performance": "persist_pg_stat_statements detect_unused_indexes detect_bloated_indexes detect_missing_indexes"
                   " detect_duplicate_indexes detect_missing_fk_indexes run_full_index_analysis identify_tables_needing_vacuum"
                   " schedule_vacuum_analyze schedule_vacuum_full check_txid_wraparound_risk tune_autovacuum_parameters"
                   " analyze_slow_queries_with_ai forecast_capacity_needs".split(),
    "health": "monitor_system_health evaluate_alert_thresholds execute_low_risk_sop validate_sync_completeness"
              " validate_sync_integrity run_full_sync_validation identify_cold_data archive_cold_data_to_delta"
              " create_unified_access_view monitor_connections terminate_idle_connections track_cost_attribution"
              " recommend_scale_to_zero_timeout diagnose_root_cause self_heal natural_language_dba".split(),
}


def each_of_the_47_ran_or_says_why_not():
    """The local manifest as it is shipped, on a real server."""
    equal(sum(map(len, PROMISED.values())), 47, "how many there are")
    with tempfile.TemporaryDirectory(prefix="lbops cycle ") as folder:
        env = {**os.environ, "LBOPS_STATE_DIR": f"{folder}/state"}
        done = subprocess.run([PROGRAM, "-m", str(ROOT / "etc" / "local.toml"), "--json", "cycle"], capture_output=True, text=True,
                              env=env, timeout=PATIENCE, check=False)
        equal(done.returncode, 0, f"exit: {done.stderr[-1500:]}")
        *runs, result = [json.loads(line) for line in done.stdout.splitlines()]
        report = result["report"]
        begun = {run["tool"] for run in runs}
        told = {(tool["agent"], tool["tool"]): tool for tool in report["tools"]}
        equal(result["failed"], 0, "none failed")
        promised = [told[agent, tool] for agent, tools in PROMISED.items() for tool in tools]
        counts = collections.Counter(tool["outcome"] for tool in promised)
        print("    " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())), flush=True)
        holds(counts["ran"] + counts["without_work"] >= 27 and set(counts) <= {"ran", "without_work", "waiting", "not_in_cycle"}, f"{counts}")
        for tool in promised:
            equal(tool["tool"] in begun, tool["outcome"] != "not_in_cycle", tool["tool"])
            holds(tool["outcome"] in ("ran", "waiting") or len(tool["why"]) > 10, f"why not: {tool}")
        told_of(report)


PHASES = ["foundation", "index and vacuum", "sync and branches", "cold archival", "AI operations"]
OWN = """
[workspace]
name = "phases"
state_dir = "state"
plugins = ["{plugins}"]
[services.transport]
plugin = "transport_local"
projects = ["dev"]
[[targets]]
project = "*"
branch = "*"
pattern = true
wake = true
[agents.provisioning]
tools = ["provision_lakebase_project", "create_branch", "monitor_branch_count"]
cycle = ["monitor_branch_count", "provision_lakebase_project"]
[agents.provisioning.tool.provision_lakebase_project]
params = {{ project_name = "shop-prod" }}
[agents.provisioning.tool.monitor_branch_count]
phase = "cold archival"
[agents.validation]
tools = ["run_full_sync_validation", "natural_language_dba"]
cycle = ["run_full_sync_validation"]
[agents.validation.tool.natural_language_dba]
aside = "nobody has asked anything"
[agents.monitoring]
tools = ["monitor_connections", "identify_tables_needing_vacuum"]
"""


def what_is_provisioned_is_monitored_and_validated():
    """Branches that a cycle has made go through it like those that it began with, each phase by phase."""
    with tempfile.TemporaryDirectory(prefix="lbops cycle ") as folder:
        manifest = f"{folder}/lbops.toml"
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(OWN.format(plugins=os.environ["LBOPS_PLUGINS"]))
        env = {name: value for name, value in os.environ.items() if name != "LBOPS_STATE_DIR"}
        done = subprocess.run([PROGRAM, "-m", manifest, "--json", "cycle"], capture_output=True, text=True, env=env,
                              timeout=PATIENCE, check=False)
        equal(done.returncode, 0, f"exit: {done.stderr[-1500:]}")
        *runs, result = [json.loads(line) for line in done.stdout.splitlines()]
        told = collections.defaultdict(list)
        for run in runs:
            told[place(run)].append(run["tool"])
        each = ["monitor_connections", "identify_tables_needing_vacuum", "run_full_sync_validation"]
        equal(dict(told), {"workspace": ["provision_lakebase_project", "monitor_branch_count"],
                           **{name: each for name in ("dev/production", "shop-prod/production", "shop-prod/staging",
                                                      "shop-prod/development")}}, "what ran where, in order")
        equal(next(run for run in runs if run["tool"] == "monitor_branch_count")["result"]["projects"] is not None, True,
              "the project was counted after it was made")
        equal([p["runs"] for p in result["report"]["phases"]], [5, 4, 4, 1, 0], "runs by phase")
        equal({t["tool"]: t["why"] for t in result["not_in_cycle"]},
              {"create_branch": "it needs --branch_name: its name, which says its kind", "natural_language_dba": "nobody has asked anything"},
              "why the others did not")


def look_at(text, report):
    outline = Outline(text)
    equal([outline.wrong, outline.open, outline.all("script"), outline.all("img")], [[], [], [], []], "the page")
    words = "".join(outline.words)
    contains(words, f"{len(report['asked'])} changes wait for you", report["history"], *(a["command"] for a in report["asked"]))
    ids = {a["id"] for _, a in outline.found if "id" in a}
    equal({a["href"][1:] for a in outline.all("a")} - ids, set(), "links")


def what_a_person_was_asked_is_held_back_and_not_asked_again():
    """So a second cycle in one place has fewer runs that wait, and as many requests."""
    with Mock() as mock:
        healed, asked = [], []
        for _ in range(2):
            runs, _ = mock.cycle("--agent", "health")
            healed.append({place(r): r for r in runs if r["tool"] == "self_heal"})
            asked.append(sorted(a["id"] for a in json.loads(mock.cli("--json", "approvals").stdout) if a["tool"] == "self_heal"))
        waited = {where for where, run in healed[0].items() if run["status"] == "pending_approval"}
        equal((len(waited), len(asked[0])), (3, 3), "what the first one asked for")
        equal({healed[1][where]["status"] for where in waited}, {"ok"}, "the same in the second")
        for where in waited:
            contains(str(healed[1][where]["result"]["remedies"]), "'status': 'held_back', 'why': 'a person is already asked")
        equal(asked[1], asked[0], "requests")


def people_read_it():
    with Mock() as mock:
        text = mock.cli("cycle", "--agent", "health").stdout
        contains(text, "phase", "AI operations", "foundation         ", " tools ", " finding", "Waiting for a person:",
                 "--as NAME --because TEXT", " 0 failed", "records went to the history, in ", mock.folder.name)
        holds("Not in this cycle:" not in text, "reasons are for who asks")
        command = shlex.split(next(line for line in text.splitlines() if " approve " in line))
        equal(command[:4], ["lbops", *WORDS[1:], "approve"], "it goes on with the manifest that was named")
        name, because = command.index("NAME"), command.index("TEXT")
        command[name], command[because] = "ann", "it was looked at"
        done = subprocess.run([PROGRAM, *command[1:]], capture_output=True, text=True, env=mock.env, timeout=PATIENCE, check=False)
        equal(done.returncode, 0, f"{command}: {done.stdout[-800:]}{done.stderr[-800:]}")
        contains(text, "--why", "not in cycle", "health                   21")
        text = mock.cli("cycle", "--agent", "example", "--why").stdout
        contains(text, "Were skipped:", "needs --index", "Not in this cycle:", "  noop\n      ")
        holds("performance" not in text, "nothing of agents that nobody asked")


def a_cycle_that_was_killed_goes_on():
    with Mock() as mock:
        child = subprocess.Popen([*WORDS, "--json", "cycle"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                 env=mock.env)
        before = [json.loads(child.stdout.readline()) for _ in range(12)]
        child.kill()
        rest = child.stdout.read()
        child.wait()
        before += [json.loads(line) for line in rest.splitlines() if line.endswith("}") and '"run_id"' in line]
        runs, result = mock.cycle("--resume")
        totals = result["report"]["totals"]
        holds(totals["begun_before"] >= len(before) > 11, f"begun before: {totals['begun_before']} of {len(before)}")
        begun = collections.Counter((run["tool"], place(run)) for run in before + runs)
        equal([key for key, times in begun.items() if times > 1], [], "what was begun twice")
        with Mock() as other:
            whole, _ = other.cycle()
        equal(totals["begun_before"] + len(runs), len(whole), "as many runs as a cycle that nobody disturbed")
        ids = [run["id"] for run in mock.ended()]
        equal(len(set(ids)), len(ids), "each run ended once")
        contains(mock.cli("cycle", "--resume", check=1).stderr, "no cycle was cut short")


def a_cycle_that_was_interrupted_says_so_and_goes_on():
    with Mock() as mock:
        child = subprocess.Popen([*WORDS, "--json", "cycle"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                 env=mock.env)
        before = [json.loads(child.stdout.readline()) for _ in range(3)]
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
        child.wait()
        *runs, result = [json.loads(line) for line in rest.splitlines()]
        equal(child.returncode, 1, "its exit code")
        equal(result["report"]["totals"]["interrupted"], True, "what the report says")
        holds(any(tool["why"] == "the cycle was ended before its turn" for tool in result["report"]["tools"] if tool.get("why")),
              "no tool was left")
        more, whole = mock.cycle("--resume")
        begun = before + runs
        equal([run["tool"] for run in begun if (run.get("error") or {}).get("message") == "cancelled before it began"], [],
              "what is told of though it had not begun")
        equal(result["report"]["totals"]["failed"], sum(run["status"] == "failed" for run in begun), "runs that failed")
        holds(whole["report"]["totals"]["begun_before"] >= len(begun), "what it had begun")
        counted = collections.Counter((run["tool"], place(run)) for run in begun + more)
        equal([key for key, times in counted.items() if times > 1], [], "what was begun twice")
        with Mock() as other:
            all_of_it, _ = other.cycle()
        equal({(run["tool"], place(run)) for run in all_of_it} - set(counted), set(), "what has not begun by now")


def what_was_refused_was_not_cut_short():
    with Mock() as mock:
        contains(mock.cli("cycle", "--agent", "healht", check=2).stderr, "no agent healht")
        contains(mock.cli("cycle", "--resume", check=1).stderr, "no cycle was cut short")


def an_agent_is_remembered():
    with Mock() as mock:
        child = subprocess.Popen([*WORDS, "--json", "cycle", "--agent", "performance"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True, env=mock.env)
        child.stdout.readline()
        child.kill()
        child.communicate()
        runs, _ = mock.cycle("--resume")
        equal({run["agent"] for run in runs}, {"performance"}, "the agents of what went on")


def a_terminal_shows_how_far_it_is():
    with Mock() as mock:
        ours, theirs = pty.openpty()
        child = subprocess.Popen([*WORDS, "cycle"], stdout=subprocess.DEVNULL, stderr=theirs, env=mock.env)
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 65536)
            except OSError:  # nobody has the other end any more
                break
        os.close(ours)
        equal(child.wait(PATIENCE), 0, "its exit code")
        counts = [int(n) for n in re.findall(rb"s (\d+) runs have ended", said)]
        holds(counts and counts == sorted(counts) and counts[-1] > 1, f"what it said: {said[-2000:]}")


def wrong_words():
    with Mock() as mock:
        for words in (["--resume", "--agent", "health"], ["--html"], ["--later"]):
            contains(mock.cli("cycle", *words, check=2).stderr, "error:")
        contains(mock.cli("cycle", "--html", check=2).stderr, "--html needs a value")
        contains(mock.cli("cycle", "--later", check=2).stderr, "cycle does not take --later")
        mock.cli("--json", "cycle", "--html", "-", check=2)
        missing = f"{mock.folder.name}/no folder/page.html"
        answer = mock.cli("cycle", "--agent", "example", "--html", missing, check=1)
        contains(answer.stderr, "no folder")
        equal(answer.stdout, "", "what ran before anybody looked whether the page has a place")


write_manifest()
suite(the_report_adds_up, each_of_the_47_ran_or_says_why_not, what_is_provisioned_is_monitored_and_validated,
      what_a_person_was_asked_is_held_back_and_not_asked_again, people_read_it, a_cycle_that_was_killed_goes_on,
      a_cycle_that_was_interrupted_says_so_and_goes_on, what_was_refused_was_not_cut_short, an_agent_is_remembered,
      a_terminal_shows_how_far_it_is, wrong_words)
