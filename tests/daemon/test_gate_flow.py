"""What waits for a person: asked, approved, denied, expired, by whom and how often it happens."""

import contextlib
import datetime
import json
import os
import signal
import sqlite3

from daemon import HOSTILE, PATIENCE, PLUGINS, Ask, Daemon, contains, equal, holds, suite

OWN = os.environ["LBOPS_DAEMON_PLUGINS"]
LONG_MS = 19000
TARGETS = """
[[targets]]
project = "shop"
branch = "production"
class = "production"
"""


class Gate(Daemon):
    """A daemon with a file into which approved lines go."""

    def __init__(self, more="", **options):
        super().__init__(TARGETS + more, **options)
        self.path = self.place / "lines"

    def lines(self):
        return self.path.read_text().split() if self.path.exists() else []

    def ask_for(self, line, who="tester"):
        """The id of a request to append that line."""
        ask = Ask(self, {"verb": "run", "tool": "appends", "name": who, "args": [
            {"name": "file", "text": str(self.path)}, {"name": "line", "text": line}]}).finish()
        equal(ask.exit, 3, "the exit code of a run that waits for approval")
        return ask.member("document")["approvals"][0]["id"]

    def decide(self, verb, request, who="anna", because="the test says so"):
        return self.ask(verb, id=request, name=who, reason=because)

    def approve(self, request, who="anna"):
        return self.decide("approve", request, who)

    def one(self, request):
        return next(a for a in self.approvals() if a["id"] == request)

    def drop(self, index="old_idx", evidence="{}"):
        return self.run("proposes", project="shop", branch="production", drops=json.dumps([index]), evidence=evidence)


def code(ask):
    return (ask.member("error") or {}).get("code")


# ---- the way of a request ----

def a_run_that_has_to_ask_ends_with_exit_3_and_executes_nothing():
    with Gate() as gate:
        gate.start()
        done = gate.cli("--json", "run", "appends", "--file", str(gate.path), "--line", "one", check=3)
        run = json.loads(done.stdout)
        equal((run["status"], run["changes"][0]["executed"]), ("pending_approval", False), "the run")
        equal(gate.lines(), [], "lines")
        contains(gate.cli("run", "appends", "--file", str(gate.path), "--line", "one", check=3).stdout,
                 f" approve {run['approvals'][0]['id']} --as NAME --because TEXT")
        equal(len(gate.approvals()), 1, "requests after it was asked for twice")


def approvals_has_the_members_that_programs_rely_on():
    with Gate() as gate:
        gate.start()
        equal(gate.drop().exit, 3, "exit code")
        listed = json.loads(gate.cli("--json", "approvals", check=0).stdout)
        equal(len(listed), 1, "requests")
        item = listed[0]
        holds({"id", "tool", "target", "status", "hash", "expires_at", "plan"} <= set(item), f"members {sorted(item)}")
        equal((item["tool"], item["status"]), ("proposes", "pending"), "tool and status")
        equal((item["target"]["project"], item["target"]["branch"]), ("shop", "production"), "target")
        equal([(c["effect"], c["statement"]) for c in item["plan"]],
              [("destructive", "DROP INDEX CONCURRENTLY public.old_idx")], "plan")
        equal(len(item["hash"]), 64, "length of the hash")
        left = datetime.datetime.fromisoformat(item["expires_at"]) - datetime.datetime.now(datetime.timezone.utc)
        holds(71 < left.total_seconds() / 3600 <= 72, f"it expires in {left}")


def approve_executes_once_and_a_second_approve_is_refused():
    with Gate() as gate:
        gate.start()
        request = gate.ask_for("one")
        done = gate.cli("approve", request, "--as", "anna", "--because", "it is safe", check=0)
        contains(done.stdout, "append one is approved", "applied")
        equal(gate.lines(), ["one"], "lines")
        for verb in ("approve", "deny"):
            contains(gate.cli(verb, request, "--as", "ben", "--because", "again", check=1).stderr, "is executed already")
        equal(gate.lines(), ["one"], "lines")
        decision = gate.one(request)["decisions"]
        equal([(d["name"], d["reason"], d["approve"]) for d in decision], [("anna", "it is safe", True)], "decisions")
        contains(decision[0]["via"], "uid ")
        audited = [r for r in gate.rows("audit_log") if r["group_title"] == "append one"]
        equal([(r["phase"], r["actor"], r["decision"], r.get("outcome")) for r in audited],
              [("intent", "anna", "approved by anna: it is safe", None),
               ("outcome", "anna", "approved by anna: it is safe", "applied")], "audit log")


def of_many_who_approve_at_once_one_is_heard():
    with Gate() as gate:
        gate.start()
        request = gate.ask_for("one")
        asks = [Ask(gate, {"verb": "approve", "id": request, "name": f"n{i}", "reason": "r"}) for i in range(12)]
        exits = sorted(ask.finish().exit for ask in asks)
        equal(exits, [0] + [1] * 11, "exit codes")
        equal(gate.lines(), ["one"], "lines")


def without_a_daemon_the_command_line_decides_too():
    with Gate() as gate:
        words = ("run", "appends", "--file", str(gate.path), "--line", "one")
        request = json.loads(gate.cli("--json", *words, check=3).stdout)["approvals"][0]["id"]
        equal(len(json.loads(gate.cli("--json", "approvals", check=0).stdout)), 1, "requests")
        gate.cli("approve", request, "--as", "anna", "--because", "it is safe", check=0)
        gate.cli("approve", request, "--as", "anna", "--because", "it is safe", check=1)
        equal(gate.lines(), ["one"], "lines")


def interrupting_who_has_approved_interrupts_what_was_approved():
    with Gate() as gate:
        gate.start()
        words = ("--project", "shop", "--branch", "production", "--program", json.dumps(["sleep", "60"]))
        request = json.loads(gate.cli("--json", "run", "proposes", *words, check=3).stdout)["approvals"][0]["id"]
        client = gate.spawn("--json", "approve", request, "--as", "anna", "--because", "it is safe")
        gate.wait(gate.running, "the approved run is under way")
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=PATIENCE)
        equal(client.returncode, 1, "the exit code of whoever approved")
        gate.wait(lambda: not gate.running(), "the run has ended", 10)
        holds(gate.one(request)["status"] in ("failed", "unknown"), f"the request is {gate.one(request)['status']}")


# ---- denied ----

def a_denial_teaches_until_the_evidence_changes():
    with Gate() as gate:
        gate.start()
        request = gate.drop(evidence='{"scans": 0}').member("document")["approvals"][0]["id"]
        gate.cli("deny", request, "--as", "eve", "--because", "it is for the audit", check=0)
        again = gate.drop(evidence='{"scans": 0}').member("document")
        equal(again["approvals"][0]["asked"], "denied_before", "the same again")
        equal([c["outcome"] for c in again["changes"]], ["denied"], "its change, which waits for nobody")
        contains(again["approvals"][0]["text"], "eve denied it (it is for the audit)")
        equal([a["status"] for a in gate.approvals()], ["denied"], "requests")
        gate.kill()
        gate.start()
        equal(gate.drop(evidence='{"scans": 0}').exit, 0, "the same after a kill -9: nobody is asked")
        other = gate.drop(evidence='{"scans": 7}')
        equal(other.exit, 3, "with evidence that has changed")
        equal(sorted(a["status"] for a in gate.approvals()), ["denied", "pending"], "requests")
        contains(gate.cli("approve", request, "--as", "anna", "--because", "no", check=1).stderr, "is denied already")


# ---- who ----

def two(rule):
    return f'[approvals]\nsecond_person = "{rule}"\n'


def where_one_is_enough_the_asker_may_approve_too():
    with Gate(two("never")) as gate:
        gate.start()
        equal(gate.approve(gate.ask_for("one", "anna"), "anna").exit, 0, "anna approves what she asked for")
        equal(gate.lines(), ["one"], "lines")


def what_destroys_takes_a_second_person():
    with Gate(two("destructive")) as gate:
        gate.start()
        request = gate.ask_for("one", "otto")
        refused = gate.approve(request, "otto")
        contains(str(refused.member("error")), "otto asked for this and cannot approve it")
        half = gate.cli("approve", request, "--as", "anna", "--because", "fine", check=3)
        contains(half.stdout, "a second person has to approve it too")
        equal((gate.lines(), gate.one(request)["status"]), ([], "pending"), "lines and status after the first")
        contains(str(gate.approve(request, "anna").member("error")), "anna has approved it already")
        gate.kill()  # what the first one said is remembered
        gate.start()
        equal(gate.approve(request, "ben").exit, 0, "the second")
        equal(gate.lines(), ["one"], "lines")
        equal([d["name"] for d in gate.one(request)["decisions"]], ["anna", "ben"], "who has decided")


def one_denial_is_enough_where_two_must_approve():
    with Gate(two("always")) as gate:
        gate.start()
        request = gate.ask_for("one", "otto")
        equal(gate.approve(request, "anna").exit, 3, "the first")
        equal(gate.decide("deny", request, "otto").exit, 0, "whoever asked may take it back")
        equal(gate.one(request)["status"], "denied", "status")
        contains(str(gate.approve(request, "ben").member("error")), "is denied already")
        equal(gate.lines(), [], "lines")


def only_those_who_are_listed_may_decide():
    with Gate('[approvals]\napprovers = ["ada", "ben"]\n') as gate:
        gate.start()
        request = gate.ask_for("one")
        for verb in ("approve", "deny"):
            refused = gate.decide(verb, request, "mallory")
            equal((refused.exit, code(refused)), (1, "denied"), f"mallory's {verb}")
            contains(str(refused.member("error")), "mallory may not decide on this", "[approvals] approvers")
        equal(gate.one(request)["status"], "pending", "status")
        equal(gate.approve(request, "ada").exit, 0, "ada approves")


def names_and_ids_that_are_wrong_are_refused_with_a_word():
    with Gate() as gate:
        gate.start()
        first, second = gate.ask_for("one"), gate.ask_for("two")
        common = os.path.commonprefix([first, second])
        contains(gate.cli("approve", "01ZZZ", "--as", "a", "--because", "b", check=1).stderr, "there is no approval 01ZZZ")
        contains(gate.cli("approve", common, "--as", "a", "--because", "b", check=2).stderr,
                 f"several approvals begin with {common}", "give more of the id")
        for words in (("approve", first), ("approve", first, "--as", "a"), ("deny", first, "--because", "b"), ("approve",)):
            contains(gate.cli(*words, check=2).stderr, "needs an id, --as NAME and --because TEXT")
        for name, reason in (("", "b"), ("a", ""), (None, "b"), ("a", None)):
            equal(code(gate.decide("approve", first, name, reason)), "invalid", f"name {name!r}, reason {reason!r}")
        equal((gate.lines(), {a["status"] for a in gate.approvals()}), ([], {"pending"}), "after all that")
        equal(gate.approve(first[: len(common) + 1]).exit, 0, "with a prefix that is enough")
        equal(gate.lines(), ["one"], "lines")


# ---- time ----

def age(gate):
    """All that waits expired a second ago."""
    past = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)).isoformat()
    changed = []

    def alter(space, key, body):
        if space == "approval" and body.get("status") == "pending":
            body["expires_at"] = past.replace("+00:00", "Z")
            changed.append(key)
            return True
        return False

    gate.documents(alter)
    holds(changed, "nothing waited")


def of_one_whose_end_is_not_known_that_is_said():
    with Gate() as gate:
        gate.start()
        request = gate.ask_for("one")
        equal(gate.stop(), 0, "its exit code")
        with contextlib.closing(sqlite3.connect(gate.state / "state.db")) as store, store:
            store.execute("UPDATE document SET status = 'unknown' WHERE space = 'approval' AND key = ?", (request,))
        gate.start()
        said = gate.cli("approve", request, "--as", "anna", "--because", "again", check=1).stderr
        contains(said, f"{request} was begun and its end is not known", "lbops approvals --all shows what to look at")
        equal(gate.lines(), [], "lines")


def what_nobody_decides_in_time_expires_and_is_asked_for_anew():
    with Gate('[approvals]\nexpires_h = 1\n') as gate:
        gate.start()
        request = gate.ask_for("one")
        equal(gate.stop(), 0, "its exit code")
        age(gate)
        gate.start()
        gate.wait(lambda: gate.one(request)["status"] == "expired", "it has expired")
        contains(gate.cli("approve", request, "--as", "anna", "--because", "late", check=1).stderr, "is expired already")
        fresh = gate.ask_for("one")
        holds(fresh != request, "the request that expired stands again")
        equal(gate.ask_for("one"), fresh, "the request when it is asked for once more")
        equal(gate.lines(), [], "lines")
        kinds = [(e["kind"], e["payload"].get("replaced")) for e in gate.events() if e["kind"] == "approval.expired"]
        equal(kinds, [("approval.expired", False)], "events")


def without_a_daemon_one_that_has_expired_is_refused_and_makes_way():
    with Gate() as gate:
        words = ("run", "appends", "--file", str(gate.path), "--line", "one")
        request = json.loads(gate.cli("--json", *words, check=3).stdout)["approvals"][0]["id"]
        age(gate)
        contains(gate.cli("approve", request, "--as", "anna", "--because", "late", check=1).stderr, "expired at",
                 "run the tool again")
        fresh = json.loads(gate.cli("--json", *words, check=3).stdout)["approvals"][0]["id"]
        listed = {a["id"]: a["status"] for a in json.loads(gate.cli("--json", "approvals", "--all", check=0).stdout)}
        equal(listed, {request: "expired", fresh: "pending"}, "requests")
        gate.start()
        equal(gate.ask_for("one"), fresh, "the request when it is asked for once more")


# ---- death ----

def what_was_approved_when_the_daemon_died_is_executed_by_the_next():
    with Gate() as gate:
        gate.start()
        request = gate.ask_for("one")
        blockers = [gate.begin("rests", ms=LONG_MS) for _ in range(2)]  # both workers are busy: it has to wait
        gate.wait(lambda: len(gate.running()) == 2, "both workers are busy")
        ask = Ask(gate, {"verb": "approve", "id": request, "name": "anna", "reason": "it is safe"})
        gate.wait(lambda: gate.one(request)["status"] == "executing", "it is approved")
        equal(gate.lines(), [], "lines before the kill")
        gate.kill()
        gate.start()
        gate.wait(lambda: gate.one(request)["status"] == "executed", "the next daemon executes it")
        equal(gate.lines(), ["one"], "lines")
        contains(str(gate.approve(request, "ben").member("error")), "is executed already")
        gate.kill()
        gate.start()
        equal((gate.lines(), gate.one(request)["status"]), (["one"], "executed"), "after one more kill -9")
        for ended in [*blockers, ask]:
            ended.sock.close()


# ---- who chose it ----

def what_an_event_chose_asks_where_a_person_would_not_be_asked():
    with Gate(plugins=[PLUGINS, HOSTILE, OWN]) as gate:
        note = gate.place / "note"
        gate.write(TARGETS + '[agents.tests]\ntools = ["acts", "steps"]\n'
                   f'[[subscriptions]]\nevent = "step.taken"\ntool = "acts"\nparams = {{ path = "{note}" }}\n')
        gate.start()
        equal(gate.run("acts", path=gate.place / "by-name").exit, 0, "a person's run of a tool of medium risk")
        holds((gate.place / "by-name").exists(), "a person's run did nothing")
        equal(gate.run("steps").exit, 0, "the run whose event is followed")
        gate.wait(gate.approvals, "the run that the event chose asks")
        request = gate.approvals()[0]
        contains(request["decision_why"], "chosen by an event")
        holds(not note.exists(), "it was executed without an answer")
        equal(gate.approve(request["id"]).exit, 0, "the approval")
        equal(note.read_text(), "a note\n", "what was written")


if __name__ == "__main__":
    suite(a_run_that_has_to_ask_ends_with_exit_3_and_executes_nothing,
          approvals_has_the_members_that_programs_rely_on,
          approve_executes_once_and_a_second_approve_is_refused,
          of_one_whose_end_is_not_known_that_is_said,
          of_many_who_approve_at_once_one_is_heard,
          without_a_daemon_the_command_line_decides_too,
          interrupting_who_has_approved_interrupts_what_was_approved,
          a_denial_teaches_until_the_evidence_changes,
          where_one_is_enough_the_asker_may_approve_too,
          what_destroys_takes_a_second_person,
          one_denial_is_enough_where_two_must_approve,
          only_those_who_are_listed_may_decide,
          names_and_ids_that_are_wrong_are_refused_with_a_word,
          what_nobody_decides_in_time_expires_and_is_asked_for_anew,
          without_a_daemon_one_that_has_expired_is_refused_and_makes_way,
          what_was_approved_when_the_daemon_died_is_executed_by_the_next,
          what_an_event_chose_asks_where_a_person_would_not_be_asked)
