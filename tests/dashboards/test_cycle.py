"""What `lbops cycle` reports, as JSON, text and a page; and a cycle that is killed and goes on."""
import collections
import json
import os
import subprocess
import tempfile

from common import PATIENCE, PROGRAM, ROOT
from outline import Outline
from suite import contains, equal, holds, suite

WORDS = [PROGRAM, "-m", str(ROOT / "etc" / "mock.toml")]


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
              ["foundation", "index and vacuum", "sync and branches", "cold archival", "AI operations"], "phases")
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
        holds(waiting and all(a["title"] and a["id"] in a["command"] for a in report["asked"]), "titles and commands")
        holds(any("needs" in s["message"] for s in report["skipped"]), "what was left out, and why")
        known = {tool["name"] for tool in json.loads(mock.cli("--json", "tools").stdout)
                 if tool["agent"] != "provisioning"}  # which that manifest does not have
        told = {t["tool"] for t in runs + result["left_out"] + report["not_in_cycle"]}
        equal(known - told, set(), "tools that neither ran nor say why not")
        equal(report["history"], f"{mock.folder.name}/state/history", "where the history lies")
        look_at(open(page, encoding="utf-8").read(), report)


def look_at(text, report):
    outline = Outline(text)
    equal([outline.wrong, outline.open, outline.all("script"), outline.all("img")], [[], [], [], []], "the page")
    words = "".join(outline.words)
    contains(words, f"{len(report['asked'])} changes wait for you", report["history"], *(a["command"] for a in report["asked"]))
    ids = {a["id"] for _, a in outline.found if "id" in a}
    equal({a["href"][1:] for a in outline.all("a")} - ids, set(), "links")


def people_read_it():
    with Mock() as mock:
        text = mock.cli("cycle", "--agent", "health").stdout
        contains(text, "phase", "AI operations", "Waiting for a person:", "--as NAME --because TEXT", "Had nothing to do:",
                 " 0 failed", "records went to the history, in ", mock.folder.name)


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


def an_agent_is_remembered():
    with Mock() as mock:
        child = subprocess.Popen([*WORDS, "--json", "cycle", "--agent", "performance"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True, env=mock.env)
        child.stdout.readline()
        child.kill()
        child.communicate()
        runs, _ = mock.cycle("--resume")
        equal({run["agent"] for run in runs}, {"performance"}, "the agents of what went on")


def wrong_words():
    with Mock() as mock:
        for words in (["--resume", "--agent", "health"], ["--html"], ["--later"]):
            contains(mock.cli("cycle", *words, check=2).stderr, "error:")
        mock.cli("--json", "cycle", "--html", "-", check=2)
        missing = f"{mock.folder.name}/no folder/page.html"
        contains(mock.cli("cycle", "--agent", "example", "--html", missing, check=1).stderr, "no folder")


suite(the_report_adds_up, people_read_it, a_cycle_that_was_killed_goes_on, an_agent_is_remembered, wrong_words)
