"""What a tool reads of the history: in the daemon, in one run, in a plan, through another tool; and what becomes of it when the
service is slow, dies, or is not there."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import daemon as harness
from daemon import PLUGINS, PROGRAM, Daemon, contains, equal, holds, suite

OURS = os.environ["LBOPS_DAEMON_PLUGINS"]
LOCAL = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'
TARGETS = "".join(f'[[targets]]\nproject = "shop"\nbranch = "{branch}"\nclass = "shared"\n' for branch in ("main", "other"))
TEXT = "grüße 'q' \"d\" \\ \\' \n\t $1 :x -- 🐘"
FULL = {"count": 2**63 - 1, "lag": 0.1, "matched": False, "seen": "2026-01-01T12:00:00.123456Z", "detail": {"a": [1, "é"]}}


def workspace(more=LOCAL, **given):
    return Daemon(more, plugins=(PLUGINS, OURS), **given)


def words(args):
    return [word for name, value in args.items() for word in (f"--{name}", value if isinstance(value, str) else json.dumps(value))]


def alone(place, *more, act="read", code=0, **args):
    """One run with no daemon: its document."""
    done = place.cli("--json", "run", "remembers", *more, *words({"act": act, **args}), check=code)
    return json.loads(done.stdout)


def told(place, act="read", code=0, **args):
    """A run of the daemon: its document."""
    given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in args.items()}
    ask = place.run("remembers", act=act, **given)
    equal(ask.exit, code, f"{act}: {ask.lines}")
    return ask.member("document")


def pid_of_history(place):
    return next(s["pid"] for s in place.status()["services"] if s["kind"] == "delta")


def stat_of(pid):
    """Its state and what follows in /proc; a process that has gone is as dead as one that nobody has fetched."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["Z"]


def cpu_of(pid):
    fields = stat_of(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one_run_sees_what_runs_before_it_have_noted():
    with workspace() as place:
        equal(alone(place)["result"]["count"], 0, "rows of a history that is still empty")
        alone(place, act="note", notes=["a", "b"])
        alone(place, act="note", notes=["c"], text="plain", empty="true")
        rows = alone(place, notes=["a", "c", "zz"])["result"]["rows"]
        equal(rows[0], {"note": "a", "text": TEXT, **FULL, "share": 0.25}, "a row with everything in it")
        equal(rows[1], {"note": "c", "text": "plain", "count": None, "lag": None, "matched": None, "seen": None, "detail": None,
                        "share": 0.25}, "a row of nulls")
        equal(len(rows), 2, "rows of three names")
        equal(alone(place, notes=[])["result"]["count"], 0, "rows of no name")
        equal(alone(place, notes=["a' OR '1'='1", "\\", 'a"'])["result"]["count"], 0, "rows of names that are none")
        equal(place.rows("sync_validation_history"), [], "what waits in the outbox")


def every_type_comes_back_as_it_went():
    with workspace() as place:
        alone(place, act="echo")
        alone(place, act="other")


def a_plan_and_a_called_tool_read_too():
    with workspace(LOCAL + TARGETS) as place:
        alone(place, act="note")
        plan = alone(place, "--plan")
        equal((plan["mode"], plan["result"]["count"]), ("plan", 1), "a plan")
        called = json.loads(place.cli("--json", "run", "relays", "--branch", "main", check=0).stdout)
        equal(called["result"]["answer"]["count"], 1, "rows that the called tool read")


def the_catalogues_question_tells_the_newest_of_a_target():
    with workspace(LOCAL + TARGETS) as place:
        place.start()
        for branch in ("main", "main", "other"):
            equal(place.run("relays", act="measure", branch=branch).exit, 0, f"measured on {branch}")
        ask = place.run("relays", act="latest", branch="main", repeat=101)
        equal(ask.exit, 0, ask.lines)
        equal(ask.member("document")["result"]["answer"]["rows"],
              [{"name": "dead_ratio", "value": 1.5, "object": "public.orders"}], "the newest of one metric")
        print("    " + next(line["log"]["text"] for line in ask.lines if "log" in line))


def a_long_answer_is_whole_or_an_error():
    with workspace() as place:
        place.start()
        equal(told(place, act="many", rows=100000, width=40)["result"], {"examined": {}, "skipped": [], "count": 100000,
              "total": 4999950000}, "an answer in many pieces")
        for rows, width in ((100001, 1), (20000, 1000)):
            error = told(place, act="many", rows=rows, width=width, code=1)["error"]
            equal(error["code"], "limit", "the error of an answer that was cut")
            contains(error["message"], "remembers/many is longer than 100000 rows or 16 MB")
            contains(error["hint"], "narrow it")
        equal(told(place, act="twice", rows=5)["result"]["count"], 5, "the question after one that failed")


def under_the_daemon_runs_read_at_once():
    with workspace() as place:
        place.start()
        told(place, act="note", notes=["a", "b"])
        asks = [place.begin("remembers", act="read", notes='["a","b"]', repeat=20) for _ in range(2)]
        for ask in asks:
            equal(ask.finish().exit, 0, ask.lines)
            equal(ask.member("document")["result"]["count"], 2, "rows")
        told(place, act="note", notes=["c"])
        equal(told(place, notes=["c"])["result"]["count"], 1, "what a run has just noted")


def a_question_ends_with_its_run():
    with workspace() as place:
        place.start()
        ask = harness.Ask(place, {"verb": "run", "tool": "remembers", "name": "tester", "timeout_s": 1,
                                  "args": [{"name": "act", "text": "slow"}, {"name": "rows", "text": "2000000000"}]}).finish()
        document = ask.member("document")
        equal((document["status"], document["error"]["code"]), ("timeout", "timeout"), "a question without end")
        holds(document["duration_ms"] < 3000, f"it took {document['duration_ms']} ms")
        pid = pid_of_history(place)
        equal(told(place, act="many", rows=3)["result"]["count"], 3, "the next one")
        equal(pid_of_history(place), pid, "the process that answers: it stopped by itself")
        ask = place.begin("remembers", act="slow", rows=2000000000)
        place.wait(lambda: place.running(), "it runs")
        place.ask("cancel", run=place.running()[0]["id"])
        ask.finish()
        equal(ask.member("document")["error"]["code"], "cancelled", "a run that was cancelled while it asked")
        began = harness.time.monotonic()
        equal(told(place, act="many", rows=3)["result"]["count"], 3, "the next one")
        holds(harness.time.monotonic() - began < 5, "nobody waits for an answer that nobody wants")
        equal(pid_of_history(place), pid, "the process that answers")


def a_called_tools_question_leaves_its_caller_time():
    with workspace(LOCAL + TARGETS) as place:
        place.start()
        ask = harness.Ask(place, {"verb": "run", "tool": "relays", "name": "tester", "project": "shop", "branch": "main",
                                  "timeout_s": 6, "args": [{"name": "act", "text": "slow"}, {"name": "rows", "text": "2000000000"}]}).finish()
        document = ask.member("document")
        equal((document["status"], document["error"]["code"]), ("failed", "timeout"), "the question had its end, the run had time")
        holds(2900 <= document["duration_ms"] < 6000, f"it took {document['duration_ms']} ms")


def questions_that_wait_end_with_their_runs():
    """Whether the process has one in its hands, has it in its channel, or does not know of it yet."""
    with workspace() as place:
        place.start()
        pid = pid_of_history(place)
        for pause in (0, 0, 0.05, 0.3):
            asks = [place.begin("remembers", act="slow", rows=2000000000) for _ in range(2)]
            place.wait(lambda: len(place.running()) == 2, "both run")
            harness.time.sleep(pause)
            for run in place.running():  # the newest first
                place.ask("cancel", run=run["id"])
            for ask in asks:
                equal(ask.finish().member("document")["error"]["code"], "cancelled", "a run that was cancelled")
            began = harness.time.monotonic()
            equal(told(place, act="many", rows=3)["result"]["count"], 3, "the next one")
            holds(harness.time.monotonic() - began < 5, "nobody waits for an answer that nobody wants")
        equal(pid_of_history(place), pid, "the process that answers")


def a_question_without_end_lets_commits_through():
    with workspace(LOCAL.replace("3600", "1")) as place:
        place.start()
        ask = place.begin("remembers", act="slow", rows=2000000000)
        place.wait(lambda: place.running(), "it runs")
        log = place.state / "history" / "sync_validation_history" / "_delta_log"
        for note in ("a", "b"):
            before = len(list(log.glob("*.json")))
            told(place, act="note", notes=[note])
            place.wait(lambda: len(list(log.glob("*.json"))) > before, "its commit")
            place.wait(lambda: not place.rows("sync_validation_history"), "its file is gone")
        running = place.running()
        equal([run["tool"] for run in running], ["remembers"], "the question is still being answered")
        place.ask("cancel", run=running[0]["id"])
        equal(ask.finish().member("document")["error"]["code"], "cancelled", "its end")
        equal(told(place, notes=["a", "b"])["result"]["count"], 2, "both rows")


def a_service_that_is_killed_answers_all_the_same():
    with workspace() as place:
        place.start()
        told(place, act="note")
        for seconds in (0, 0.2):  # a third death in a row would be taken for a plugin that cannot live
            ask = place.begin("remembers", act="slow", rows=12000)
            place.wait(lambda: place.running(), "it runs")
            with contextlib.suppress(OSError):
                ask.read(harness.time.monotonic() + seconds)
            os.kill(pid_of_history(place), signal.SIGKILL)
            equal(ask.finish().exit, 0, f"the run whose service was killed after {seconds} s: {ask.lines}")
            holds(ask.member("document")["result"]["total"] > 0, "the sum")
        equal(told(place)["result"]["count"], 1, "what was noted before")


def a_daemon_that_is_killed_leaves_no_question_behind():
    with workspace() as place:
        place.start()
        told(place, act="note")
        pid = pid_of_history(place)
        place.begin("remembers", act="slow", rows=2000000000)
        place.wait(lambda: place.running(), "it runs")
        busy = cpu_of(pid)
        place.wait(lambda: cpu_of(pid) > busy + 0.2, "the question is being answered")
        place.kill()
        deadline = harness.time.monotonic() + 10
        while stat_of(pid)[0] != "Z":
            holds(harness.time.monotonic() < deadline, "the process goes on with what it answered")
            harness.time.sleep(0.02)
        place.start()
        equal(told(place)["result"]["count"], 1, "what was noted before")


def without_a_service_the_error_says_so():
    with workspace('[services.delta]\nplugin = "delta_local"\npath = "/proc/nowhere"\nretention = ["nothing=1"]\n') as place:
        error = alone(place, code=1)["error"]
        contains(error["message"], "the history cannot be asked: retention of delta_local names nothing")
    with tempfile.TemporaryDirectory() as few:
        for name in ("transport_mock", "state_sqlite"):
            shutil.copy(pathlib.Path(PLUGINS) / f"{name}.so", few)
        shutil.copy(pathlib.Path(OURS) / "remembers.so", few)
        for more in ("[services.delta]\nplugin = \"delta_nothing\"\n", ""):
            with Daemon(more, plugins=(few,)) as place:
                document = alone(place, code=2 if more else 1)
                holds(document["error"]["hint"], "there is a hint")
        with Daemon("", plugins=(few,)) as place:
            place.start()
            error = told(place, code=1)["error"]
            equal((error["code"], error["hint"]), ("unsupported", "name one under [services.delta], or build delta_local"), "no service")


def where_nobody_keeps_one_an_empty_answer_would_be_a_lie():
    with workspace("") as place:
        error = alone(place, code=1)["error"]
        equal(error["code"], "not_found", "nothing is configured and nothing is there")
        contains(error["message"], "there is no history in")
        alone(place, act="note")
        equal(alone(place)["result"]["count"], 1, "a run has left something")
        given = place.cli("--json", "run", "remembers", "--dsn", "postgresql://nobody@127.0.0.1:1/none", "--act", "read", check=0)
        equal(json.loads(given.stdout)["result"]["count"], 1, "the history of the state directory, with --dsn")
    with workspace("") as place:
        given = place.cli("--json", "run", "remembers", "--dsn", "postgresql://nobody@127.0.0.1:1/none", "--act", "read", check=1)
        contains(json.loads(given.stdout)["error"]["message"], "there is no history in")


def fixtures_answer_in_its_place_and_are_recorded():
    with workspace(LOCAL) as place:
        alone(place, act="note")
        recorded = place.place / "recorded"
        first = alone(place, "--record", str(recorded))
        cases = json.loads((recorded / "history" / "remembers" / "rows.json").read_text())
        equal([case["columns"][0] for case in cases], ["note"], "the recorded case")
        with workspace("", place=place.place, name="mock",
                       transport=f'plugin = "transport_mock"\nfixtures = "{recorded}"') as mock:
            equal(alone(mock)["result"], first["result"], "the same from the fixture, with no history")
            error = alone(mock, notes=["other"], code=1)["error"]
            contains(error["message"], "history/remembers/rows.json: no case")
            failing = [{"error": {"code": "unreachable", "message": "no route"}}]
            (recorded / "history" / "remembers" / "rows.json").write_text(json.dumps(failing))
            equal(alone(mock, code=4)["error"]["message"], "no route", "a fixture that fails")


def history_that_keeps_counts_answers_with_them():
    with workspace('[services.delta]\nplugin = "delta_mock"\nflush_interval_s = 3600\n') as place:
        place.start()
        told(place, act="note", notes=["a", "b", "c"])
        result = told(place, act="counts", text="sync_validation_history")["result"]
        equal((result["table"], result["commits"], result["rows"]), ("sync_validation_history", 1, 3), "counts")


def a_failed_commit_is_told_and_takes_nothing_from_the_question():
    with workspace() as place:
        alone(place, act="note")
        alone(place)
        lock = place.state / "history" / "lock"
        holder = subprocess.Popen(["flock", str(lock), "cat"], stdin=subprocess.PIPE)
        place.wait(lambda: subprocess.run(["flock", "-n", str(lock), "true"], check=False).returncode != 0, "it is held")
        alone(place, act="note", notes=["b"])
        done = place.cli("--json", "run", "remembers", "--act", "read", "--notes", '["a","b"]', check=0)
        holder.communicate()
        equal(json.loads(done.stdout)["result"]["count"], 1, "rows that were committed before")
        contains(done.stderr, "what waits in the outbox is not in the history's answer to remembers/rows")
        equal(alone(place, notes=["a", "b"])["result"]["count"], 2, "rows when the other has gone")


def status_says_why_history_cannot_be_written():
    with workspace(LOCAL.replace("3600", "1")) as place:
        def trouble():
            return next(s["trouble"] for s in place.status()["services"] if s["kind"] == "delta")
        alone(place, act="note")
        alone(place)
        holder = subprocess.Popen(["flock", str(place.state / "history" / "lock"), "cat"], stdin=subprocess.PIPE)
        place.start()
        alone(place, act="note", notes=["b"])
        place.wait(trouble, "it cannot be written")
        contains(place.cli("status", check=0).stdout, f"service:  delta (delta_local) is up: {trouble()}")
        holder.communicate()
        place.wait(lambda: trouble() is None, "it can be again")


suite(one_run_sees_what_runs_before_it_have_noted, every_type_comes_back_as_it_went, a_plan_and_a_called_tool_read_too,
      the_catalogues_question_tells_the_newest_of_a_target,
      a_long_answer_is_whole_or_an_error, under_the_daemon_runs_read_at_once, a_question_ends_with_its_run,
      a_called_tools_question_leaves_its_caller_time,
      questions_that_wait_end_with_their_runs, a_question_without_end_lets_commits_through,
      a_service_that_is_killed_answers_all_the_same, a_daemon_that_is_killed_leaves_no_question_behind,
      without_a_service_the_error_says_so,
      where_nobody_keeps_one_an_empty_answer_would_be_a_lie, fixtures_answer_in_its_place_and_are_recorded,
      history_that_keeps_counts_answers_with_them, a_failed_commit_is_told_and_takes_nothing_from_the_question,
      status_says_why_history_cannot_be_written)
