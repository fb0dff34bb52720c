"""A daemon that looks at a server every two seconds while something is planted there: what it notices, when, what it takes
for the cause, what it does about it, and when that is over. It is told nothing: all that is asked is its log of events."""

import base64
import contextlib
import datetime
import json
import math
import os
import subprocess
import sys
import time

from incident_kinds import FLUSH, LIMITS
from incident_place import Bed
from place import PROGRAM, TESTS, equal

sys.path.insert(0, str(TESTS / "daemon"))
from receivers import Web  # noqa: E402

INTERVAL = 2
LOOKS = ("evaluate_alert_thresholds", "self_heal", "escalate_high_risk_issue")
PATIENCE = 60
DEEDS = ("issue.escalated", "self_heal.executed")
SECRET = "whsec_" + base64.b64encode(bytes(24)).decode()
MANIFEST = """hook = {{ env = "LBOPS_TEST_HOOK" }}
[services.alert]
plugin = "alert_webhook"
url = "{hook}/in"
secret = {{ secret = "hook" }}
digest_above = 0
[schedule]
spread_s = 0
[agents.health]
tools = ["evaluate_alert_thresholds", "self_heal", "escalate_high_risk_issue", "diagnose_root_cause", "execute_low_risk_sop",
         "terminate_idle_connections"]
[agents.health.tool.diagnose_root_cause]
schedule = ""
params = {{ {limits} }}
[agents.health.tool.evaluate_alert_thresholds]
schedule = "@every {interval}s"
params = {{ warm_up_min = 0 }}
[agents.health.tool.self_heal]
schedule = "@every {interval}s"
params = {{ min_confidence = 0.5, others_min = 0 }}
[agents.health.tool.escalate_high_risk_issue]
schedule = "@every {interval}s"
params = {{ min_confidence = 0.5 }}
[agents.health.tool.execute_low_risk_sop]
params = {{ most_tables = 1000 }}
[agents.health.tool.terminate_idle_connections]
params = {{ max_idle_min = 0.01, max_share = 1 }}
"""
LOAD = """\\set id random(1, 20000)
SELECT n FROM load.item WHERE id = :id;
SELECT count((SELECT i.id FROM load.item i WHERE i.id = g)) FROM generate_series(1, 200) g;
UPDATE load.item SET n = n + 1 WHERE id = :id;
"""


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Stamped(Web):
    """Knows when each note arrived."""

    def __init__(self):
        self.arrived = {}
        super().__init__()

    def up(self):
        super().up()
        receiver, handler = self, self.server.RequestHandlerClass
        post = handler.do_POST

        def stamped(self):
            at = time.time()
            post(self)
            for note in receiver.taken:
                receiver.arrived.setdefault(note["headers"]["webhook-id"], at)
        handler.do_POST = stamped


class Load:
    """People who work on the server meanwhile, at a rate that it hardly feels."""

    def __init__(self, bed):
        bed.sql("CREATE SCHEMA load; CREATE TABLE load.item (id int PRIMARY KEY, n int) WITH (fillfactor = 50);"
                " INSERT INTO load.item SELECT g, 0 FROM generate_series(1, 20000) g" + FLUSH)
        bed.sql("VACUUM ANALYZE load.item")
        script = bed.dir / "load.sql"
        script.write_text(LOAD)
        self.process = subprocess.Popen([f"{bed.ward.field('bin')}/pgbench", "-n", "-c", "1", "-R", "20", "-T", "3600", "-f",
                                         str(script), bed.url()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.process.kill()
        self.process.wait()


class Watch:
    """The daemon over a bed, and somebody who hears its alerts."""

    def __init__(self, bed, limits=None):
        self.bed, self.hook = bed, Stamped()
        bed.write(MANIFEST.format(hook=self.hook.url, interval=INTERVAL,
                                  limits=", ".join(f"{k} = {v}" for k, v in {**LIMITS, "min_wait_s": 0.5, "min_idle_s": 0.5,
                                                                             **(limits or {})}.items())))
        bed.env["LBOPS_TEST_HOOK"] = SECRET
        self.load = Load(bed)
        with (bed.dir / "log").open("w") as log:
            self.process = subprocess.Popen([PROGRAM, "-m", str(bed.manifest), "serve"], stdout=log, stderr=log,
                                            env={**os.environ, **bed.env})
        try:
            bed.wait(lambda: bed.cli("status").returncode == 0 or self.process.poll() is not None)
            self.looked(2)
        except BaseException:
            self.close()
            raise

    def ask(self, *words):
        return [json.loads(line) for line in self.bed.cli("--json", *words, check=0).stdout.splitlines() if line]

    def starts(self):
        """How often each of the three has looked."""
        runs = self.ask("runs", "--limit", "1000")
        runs = runs[0] if runs and isinstance(runs[0], list) else runs
        return [sum(r["tool"] == tool and r["status"] != "running" and not r.get("parent_run_id") for r in runs) for tool in LOOKS]

    def looked(self, times):
        """Waits until each has looked so often from now on."""
        before = self.starts()
        self.bed.wait(lambda: all(now >= then + times for now, then in zip(self.starts(), before)))

    def events(self, since=0.0):
        return [e for e in self.ask("events") if moment(e["at"]) >= since]

    def deeds(self, since):
        """What it said of troubles, and what it did about them."""
        return [e for e in self.events(since) if e["kind"] in DEEDS]

    def first_cause(self, since):
        """What it took for the cause, said or treated before all others."""
        return next((about(e) for e in self.deeds(since) if about(e)), "none")

    def find(self, since, claim):
        return next((e for e in self.events(since) if claim(e)), None)

    def await_event(self, since, claim, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if found := self.find(since, claim):
                return found
            time.sleep(0.1)
        return None

    def deliveries(self):
        """Seconds from the event behind each alert to its arrival."""
        late = []
        for note in list(self.hook.taken):
            arrived = self.hook.arrived.get(note["headers"]["webhook-id"], time.time())  # without: this very moment
            about = note["json"]["data"]["alert"]
            if note["json"]["data"]["change"] == "opened" and about.get("at"):
                late.append(arrived - moment(about["at"]))
        return late

    def close(self):
        self.load.close()
        self.process.terminate()
        self.process.wait()
        self.hook.down()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()


def intervals(seconds):
    """Looks that it took: what is seen at the first one has taken one."""
    return max(1, math.ceil(seconds / INTERVAL))


def about(event):
    """The trouble that an event speaks of: "KIND of OBJECT", or None."""
    payload = event["payload"]
    return payload.get("issue_id") or (f"{payload['issue']} of {payload['object']}" if "object" in payload else None)


def noticed(watch, planted, kind, thing):
    """Whatever speaks of it first."""
    return watch.await_event(planted, lambda e: e["kind"] in DEEDS and about(e) == f"{kind} of {thing}")


def row_of(ward, kind):
    """A row even of what went wrong."""
    try:
        return live(ward, kind)
    except AssertionError as error:
        print(f"{kind.__name__}: {error}", file=sys.stderr, flush=True)
        return {**nothing_yet(kind), "cause": "failed"}


def nothing_yet(kind):
    return {"kind": kind.__name__, "detected": None, "cause": "none", "is_first": False, "action": "none", "low": False,
            "healed": None, "resolved": None, "late": []}


def live(ward, kind):
    """One incident from its planting to its end: a line of the table."""
    row = nothing_yet(kind)
    with Bed(ward) as bed, contextlib.closing(kind(bed)) as story:
        bed.limits = {}
        next(story)
        with Watch(bed, bed.limits) as watch:
            equal([e["payload"] for e in watch.deeds(0)], [], f"before {kind.__name__}")
            began = time.time()
            thing = next(story)
            planted = time.time()
            seen = noticed(watch, began, kind.__name__, thing)
            if seen:
                row.update(follow(watch, story, f"{kind.__name__} of {thing}", began, planted, moment(seen["at"])))
            row["late"] = watch.deliveries()
    return row


def follow(watch, story, trouble, began, planted, seen):
    """What comes of it: a low risk is healed, for others a person agrees, and what nobody may do ends by itself."""
    watch.looked(1)
    deed = watch.find(began, lambda e: e["kind"] == "self_heal.executed" and about(e) == trouble)
    asked = [a for a in watch.bed.approvals() if a["tool"] == "self_heal"]
    cause = watch.first_cause(began)
    row = {"detected": intervals(seen - planted), "cause": cause, "is_first": cause == trouble}
    acted = time.time()
    if deed and deed["payload"]["status"] == "executed":
        acted = moment(deed["at"])
        row.update(low=True, action=deed["payload"]["action"], healed=intervals(acted - seen))
    elif asked:
        row["action"] = f"{asked[0]['title']}, once agreed"
        watch.bed.approve(asked[0]["id"])
    else:
        row["action"] = "a person is told"
        next(story, None)
    over = watch.await_event(seen, lambda e: e["kind"] == "issue.resolved" and about(e) == trouble)
    row["resolved"] = intervals(moment(over["at"]) - acted) if over else None
    return row


def left_in_peace(ward, is_over):
    """The same daemon over people who only work, until is_over() says so: how often it looked, and what it said or did."""
    with Bed(ward) as bed, Watch(bed) as watch:
        bed.wait(is_over, patience=3600)
        return min(watch.starts()), [e["payload"] for e in watch.deeds(0)] + watch.bed.approvals()


def table(rows):
    lines = [f"  {'planted':20} {'seen after':10} {'first cause':39} {'action':41} {'healed':7} {'over after':10} told in"]
    for r in rows:
        said = {name: "-" if r[name] is None else f"{r[name]} x {INTERVAL} s" for name in ("detected", "healed", "resolved")}
        late = f"{max(r['late']):.2f} s" if r["late"] else "-"
        lines.append(f"  {r['kind']:20} {said['detected']:10} {r['cause']:39} {r['action'][:41]:41} {said['healed']:7} "
                     f"{said['resolved']:10} {late}")
    return "\n".join(lines)
