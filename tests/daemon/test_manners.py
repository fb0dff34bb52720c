"""How a daemon behaves: towards a second one, the command line, strangers, its manifest, its manager and its log."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from daemon import HOSTILE, PATIENCE, PLUGINS, PROGRAM, Ask, Daemon, contains, equal, holds, skip, suite

NOBODY = 65534
LONG_MS = 19000  # longer than any test waits for it


# ---- one per state directory ----

def a_second_daemon_on_one_state_directory_says_who_holds_it():
    with Daemon() as first:
        first.start()
        second = Daemon(name="second", place=first.place)
        second.state = first.state
        second.write("")
        refused = second.cli("serve", check=1)
        contains(refused.stderr, f"another daemon holds {first.state}", f"process {first.process.pid} since",
                 str(first.manifest), "give this one a state_dir of its own")
        equal(json.loads(second.cli("--json", "serve", check=1).stdout)["error"]["code"], "conflict", "the code")
        equal(first.run("noop").exit, 0, "a run of the first one, which goes on")
        first.kill()
        second.start()  # what a dead one held is free
        equal(second.stop(), 0, "its exit code")


# ---- the command line beside it ----

def the_command_line_goes_through_the_daemon():
    with Daemon() as daemon:
        daemon.start()
        done = daemon.cli("--json", "run", "rests", "--ms", "1", check=0)
        run = json.loads(done.stdout)
        equal(run["status"], "ok", "the run")
        worker = pathlib.Path(f"/proc/{run['result']['pid']}/stat").read_text().rsplit(")", 1)[1].split()
        equal(int(worker[1]), daemon.process.pid, "the parent of the worker it ran in")
        listed = json.loads(daemon.cli("--json", "runs", check=0).stdout)
        equal([r["id"] for r in listed], [run["run_id"]], "runs")
        equal(json.loads(daemon.cli("--json", "approvals", check=0).stdout), [], "approvals")
        equal(json.loads(daemon.cli("--json", "status", check=0).stdout)["pid"], daemon.process.pid, "status")


def without_a_daemon_the_command_line_does_it_itself_and_says_where_none_is():
    with Daemon() as daemon:
        equal(json.loads(daemon.cli("--json", "run", "rests", check=0).stdout)["status"], "ok", "the run")
        contains(daemon.cli("status", check=1).stderr, f"no daemon serves {daemon.state}")
        daemon.start()
        equal(len(daemon.runs()), 1, "runs that the daemon knows of")


def a_suspended_tool_is_resumed_in_the_daemon():
    with Daemon() as daemon:
        daemon.start()
        for _ in range(3):
            equal(daemon.run("segfaults").exit, 1, "a crash")
        contains(daemon.cli("run", "segfaults", check=1).stderr, "is suspended", "lbops tools segfaults --resume")
        contains(daemon.cli("tools", "segfaults", check=0).stdout, "suspended")
        contains(daemon.cli("tools", "segfaults", "--resume", check=0).stdout, "runs again")
        contains(daemon.cli("run", "segfaults", check=1).stdout, "segfaults crashed")


def a_person_stops_a_tool():
    """With a name and a reason; what is under way goes on, and its end says nothing about it."""
    words = ("--suspend", "--as", "ada", "--because", "it ends the wrong sessions")
    with Daemon() as daemon:
        daemon.start()
        for bad in (("--suspend",), words[:3], words + ("--resume",), ("--as", "ada")):
            contains(daemon.cli("tools", "rests", *bad, check=2).stderr, "usage: ")
        contains(daemon.cli("tools", *words, check=2).stderr, "name a tool")
        daemon.cli("tools", "nosuch", *words, check=2)
        under_way = daemon.begin("rests", ms=3000)
        daemon.wait(lambda: len(daemon.running()) == 1, "it is under way")
        contains(daemon.cli("tools", "rests", *words, check=0).stdout, "rests is suspended")
        refused = daemon.cli("run", "rests", check=1).stderr
        contains(refused, "rests is suspended since ", " by ada: it ends the wrong sessions", "ask ada, or: lbops tools rests --resume")
        equal(under_way.finish().exit, 0, "what was under way")
        daemon.kill()
        daemon.start()
        contains(daemon.cli("run", "rests", check=1).stderr, "by ada: it ends the wrong sessions")
        contains(daemon.cli("tools", "rests", check=0).stdout, "by ada: it ends the wrong sessions")
        equal(json.loads(daemon.cli("--json", "tools", "rests", "--resume", check=0).stdout), {"resumed": "rests"}, "resumed")
        daemon.cli("tools", "rests", "--resume", check=1)
        equal(daemon.run("rests").exit, 0, "it runs again")
        told = [e["payload"] for e in daemon.events() if e["kind"] == "tool.suspended"]
        equal(told, [{"tool": "rests", "by": "ada", "reason": "it ends the wrong sessions"}], "what the log of events has")


def an_interrupt_stops_the_run_and_not_the_daemon():
    with Daemon() as daemon:
        daemon.start()
        other = daemon.begin("rests", ms=LONG_MS)
        client = daemon.spawn("--json", "run", "rests", "--ms", str(LONG_MS))
        daemon.wait(lambda: len(daemon.running()) == 2, "both are under way")
        client.send_signal(signal.SIGINT)
        out, _ = client.communicate(timeout=PATIENCE)
        run = json.loads(out)
        equal((client.returncode, run["error"]["code"]), (1, "cancelled"), "the run that was interrupted")
        states = {r["id"]: r["status"] for r in daemon.runs()}
        equal(states.pop(run["run_id"]), "failed", "its state")
        equal(list(states.values()), ["running"], "the other")
        other.sock.close()


def runs_are_listed_by_tool_and_time():
    with Daemon() as daemon:
        ids = [json.loads(daemon.cli("--json", "run", tool, check=0).stdout)["run_id"]
               for tool in ("noop", "steps", "noop")]

        def listed(*words):
            return [r["id"] for r in json.loads(daemon.cli("--json", "runs", *words, check=0).stdout)]
        equal(listed(), ids[::-1], "all of them, the newest first")
        equal(listed("--tool", "noop"), [ids[2], ids[0]], "those of a tool")
        equal(listed("--tool", "noop", "--limit", "1"), [ids[2]], "the newest of a tool")
        equal(listed("--since", "1h"), ids[::-1], "those of the last hour")
        equal(listed("--since", "2035-01-01T00:00:00Z"), [], "those of a time to come")
        contains(daemon.cli("runs", "--since", "noon", check=2).stderr, "noon is no time")


def what_is_asked_for_by_its_id_is_there_or_that_is_an_error():
    with Daemon() as daemon:
        run = json.loads(daemon.cli("--json", "run", "noop", check=0).stdout)["run_id"]
        for _ in ("without a daemon", "with one"):
            equal([r["id"] for r in json.loads(daemon.cli("--json", "runs", run, check=0).stdout)], [run], "one that is there")
            contains(daemon.cli("runs", run[:20], check=0).stdout, run)
            for verb, words, said in (("runs", ("nobody",), "there is no run nobody"),
                                      ("runs", (run, "--status", "failed"), f"there is no run {run} that fits"),
                                      ("runs", (run, "--tool", "rests"), f"there is no run {run} that fits"),
                                      ("approvals", ("nobody",), "there is no approval nobody"),
                                      ("approvals", ("--all", run), f"there is no approval {run}")):
                refused = daemon.cli("--json", verb, *words, check=1)
                error = json.loads(refused.stdout)["error"]
                equal((error["code"], error["message"]), ("not_found", said), f"{verb} {words}")
                contains(error["hint"], f"lbops {verb}")
                contains(refused.stderr, said, f"hint: lbops {verb}")
            for verb in ("approve", "deny"):
                contains(daemon.cli(verb, "nobody", "--as", "anna", "--because", "it is wanted", check=1).stderr,
                         "there is no approval nobody")
            for words in ((), ("--tool", "rests")):
                equal(daemon.cli("--json", "runs", *words, "--since", "2035-01-01T00:00:00Z", check=0).stdout, "[]\n", "a list")
            if not daemon.process:
                daemon.start()


def who_only_looks_leaves_nothing_behind_and_tells_of_no_trouble():
    """Hosts that were killed are seen to by whoever comes next, who may have the answer before that is done."""
    with Daemon() as daemon:
        daemon.start()
        run = daemon.run("noop").member("document")["run_id"]
        daemon.kill()
        for _ in range(6):
            looked = daemon.cli("--json", "runs", check=0)
            equal(([r["id"] for r in json.loads(looked.stdout)], looked.stderr), ([run], ""), "what is said")
            daemon.cli("--json", "approvals", check=0)
        kept = []
        daemon.documents(lambda space, key, _: kept.append(key) if space == "host" else None)
        holds(len(kept) <= 1, f"hosts that those who looked have left, beside the one that was killed: {kept}")
        equal(daemon.cli("run", "noop", check=0).stderr, "", "what a run says")
        for words in (("cycle", "--agent", "nobody"), ("job", "metric_collector", "--project", "nobody")):
            refused = daemon.cli(*words).stderr  # at once, while the state is asked to forget what is old
            contains(refused, "there is no ", "nobody")
            equal("the host is ending" in refused, False, f"of {words}: {refused}")
        kept.clear()
        daemon.documents(lambda space, key, _: kept.append(key) if space == "host" else None)
        equal(kept, [], "hosts that are gone and known")
        equal([r["run_id"] for r in daemon.rows("tool_runs")].count(run), 1, "rows of the run before")


def a_client_that_goes_away_in_the_middle_stops_nothing():
    with Daemon() as daemon:
        daemon.start()
        client = daemon.spawn("run", "rests", "--ms", "600")
        daemon.wait(lambda: len(daemon.running()) == 1, "it is under way")
        client.kill()
        client.communicate()
        Ask(daemon, {"verb": "run", "tool": "rests", "name": "tester", "args": []}).sock.close()  # not even listening
        daemon.wait(lambda: [r["status"] for r in daemon.runs()] == ["ok", "ok"], "both end")


def a_client_that_speaks_nonsense_is_told_so_or_let_go():
    with Daemon() as daemon:
        daemon.start()
        equal(daemon.ask("dance").member("error")["code"], "invalid", "an unknown verb")
        for said in (b"\xff\x00\n", b"{}\n", b"[" * 5000 + b"\n", b'{"verb":{}}\n', b'{"verb":"run","args":[1]}\n'):
            sock = daemon.connect()
            sock.settimeout(PATIENCE)
            sock.sendall(said)
            contains(sock.recv(65536).decode(), '"error"')
            sock.close()
        endless = daemon.connect()
        with contextlib.suppress(OSError):
            for _ in range(1000):
                endless.sendall(b"x" * 65536)
            holds(False, "it reads a line without an end")
        equal(daemon.run("noop").exit, 0, "a run after all that")


def as_user(uid, action):
    """What a child of that user says of it."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            said = action()
        except OSError as error:
            said = type(error).__name__
        os.write(writes, said.encode())
        os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    with os.fdopen(reads) as pipe:
        return pipe.read()


def somebody_elses_user_is_refused():
    if os.geteuid() != 0:
        skip("only root can be somebody else")
    with Daemon() as daemon:
        daemon.start()
        path = str(daemon.state / "control.sock")

        def ask():
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE)
            sock.connect(path)
            with contextlib.suppress(BrokenPipeError):
                sock.sendall(b'{"verb":"status"}\n')
            try:
                return sock.recv(65536).decode() or "closed"
            except ConnectionResetError:
                return "closed"

        os.chmod(daemon.place, 0o755)
        os.chmod(daemon.state, 0o755)
        equal(as_user(NOBODY, ask), "PermissionError", "what the socket's mode says to nobody")
        os.chmod(path, 0o666)
        equal(as_user(NOBODY, ask), "closed", "what the daemon says to nobody whom the file system lets in")
        contains(ask(), '"workspace"')


# ---- its manifest ----

def echo(text, more=""):
    return f'[agents.a.tool.echoes]\nparams = {{ text = "{text}" }}\n{more}'


def said(daemon):
    return daemon.run("echoes").member("document")["result"]["text"]


def a_changed_manifest_holds_for_new_runs_and_drops_none():
    with Daemon(echo("before")) as daemon:
        daemon.start()
        equal(said(daemon), "before", "the parameter")
        under_way = [daemon.begin("rests", ms=900) for _ in range(4)]  # two of them wait for a worker
        daemon.wait(lambda: len(daemon.running()) == 4, "they are under way")
        daemon.write(echo("after"))
        daemon.reload()
        equal(said(daemon), "after", "the parameter of a new run")
        equal([ask.finish().member("document")["status"] for ask in under_way], ["ok"] * 4, "runs of before")
        kinds = [(e["kind"], e["payload"]["accepted"]) for e in daemon.events() if e["kind"] == "daemon.reloaded"]
        equal(kinds, [("daemon.reloaded", True)], "the event")


def a_plugin_that_appeared_is_found_by_a_reload():
    with Daemon() as daemon:
        own = daemon.place / "plugins"
        own.mkdir(mode=0o755)
        shutil.copy(f"{HOSTILE}/rests.so", own)
        daemon.plugins = [PLUGINS, str(own)]
        daemon.write("")
        daemon.start()
        contains(str(daemon.run("echoes").member("error")), "there is no tool echoes")
        under_way = daemon.begin("rests", ms=600)
        daemon.wait(lambda: len(daemon.running()) == 1, "it is under way")
        shutil.copy(f"{HOSTILE}/echoes.so", own)
        daemon.reload()
        equal(daemon.run("echoes").exit, 0, "a run of the new tool")
        (own / "echoes.so").unlink()
        daemon.reload()
        contains(str(daemon.run("echoes").member("error")), "there is no tool echoes")
        equal(under_way.finish().member("document")["status"], "ok", "the run of before")


def a_broken_manifest_is_refused_and_the_old_one_goes_on():
    with Daemon(echo("old")) as daemon:
        daemon.start()
        under_way = daemon.begin("rests", ms=600)
        daemon.wait(lambda: len(daemon.running()) == 1, "it is under way")
        for broken in ("[workspace\n", "[agents.a.tool.no_such_tool]\n", echo("new", "[limits]\n"), echo("new", "nonsense = 1\n")):
            daemon.write(broken)
            daemon.reload(accepted=False)
            equal(said(daemon), "old", "the parameter")
        daemon.manifest.unlink()
        daemon.reload(accepted=False)
        contains(daemon.log(), "error manifest: ", "d.toml")
        equal(under_way.finish().member("document")["status"], "ok", "the run of before")
        equal(daemon.status()["state"], "ready", "the daemon")
        daemon.write(echo("mended"))
        daemon.reload()
        equal(said(daemon), "mended", "the parameter")


def a_manifest_with_another_state_directory_is_refused():
    with Daemon(echo("old")) as daemon:
        daemon.start()
        home = daemon.state
        daemon.state = daemon.place / "elsewhere"
        daemon.write(echo("new"))
        daemon.reload(accepted=False)
        contains(daemon.log(), "cannot change while it runs", "restart the daemon for that")
        daemon.state = home
        equal(said(daemon), "old", "the parameter")
        holds(not (daemon.place / "elsewhere" / "daemon.lock").exists(), "it has taken the other directory")


# ---- ending ----

DRAIN_1 = "[schedule]\ndrain_s = 1\n"


def at_sigterm_a_short_run_ends_well_and_no_new_one_begins():
    with Daemon() as daemon:
        daemon.start()
        ask = daemon.begin("rests", ms=700)
        daemon.wait(lambda: len(daemon.running()) == 1, "it is under way")
        daemon.process.terminate()
        daemon.wait(lambda: "stopping: SIGTERM" in daemon.log(), "it drains")
        contains(str(daemon.run("noop").member("error")), "the daemon is stopping")
        equal(ask.finish().member("document")["status"], "ok", "the run")
        equal(daemon.process.wait(PATIENCE), 0, "its exit code")
        equal([r["status"] for r in daemon.rows("tool_runs")], ["ok"], "its row of history")
        daemon.start()
        equal([r["status"] for r in daemon.runs()], ["ok"], "its state")


def a_run_longer_than_the_drain_is_cancelled_and_has_its_row():
    with Daemon(DRAIN_1) as daemon:
        daemon.start()
        ask = daemon.begin("rests", ms=LONG_MS)
        daemon.wait(lambda: len(daemon.running()) == 1, "it is under way")
        began = time.monotonic()
        daemon.process.terminate()
        document = ask.finish().member("document")
        equal(daemon.process.wait(PATIENCE), 0, "its exit code")
        holds(time.monotonic() - began >= 1, "it was not given its second")
        holds(document, "its asker was not told")
        equal((document["status"], document["error"]["code"]), ("failed", "cancelled"), "the run")
        contains(daemon.log(), "1 run(s) did not end in time and are cancelled")
        equal([r["run_id"] for r in daemon.rows("tool_runs")], [document["run_id"]], "its row of history")
        daemon.start()
        equal([(r["id"], r["status"]) for r in daemon.runs()], [(document["run_id"], "failed")], "its state")


def a_second_sigterm_ends_it_at_once():
    with Daemon() as daemon:
        daemon.start()
        ask = daemon.begin("rests", ms=LONG_MS)
        daemon.wait(lambda: len(daemon.running()) == 1, "it is under way")
        began = time.monotonic()
        daemon.process.terminate()
        daemon.wait(lambda: "stopping: SIGTERM" in daemon.log(), "it drains")
        daemon.process.terminate()
        equal(daemon.process.wait(PATIENCE), 0, "its exit code")
        holds(time.monotonic() - began < LONG_MS / 2000, "it waited for the run")
        document = ask.finish().member("document")
        equal([(r["run_id"], r["status"]) for r in daemon.rows("tool_runs")], [(document["run_id"], "failed")], "its row")
        holds(not (daemon.state / "control.sock").exists(), "its socket is left behind")


# ---- its manager ----

class Manager:
    """The socket of a service manager."""

    def __init__(self, place):
        self.path = str(place / "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.said = []

    def until(self, wanted):
        self.sock.settimeout(PATIENCE)
        while True:
            try:
                text = self.sock.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(f"the manager never heard {wanted}: {self.said}") from None
            self.said.append((time.monotonic(), text))
            if wanted in text:
                return text


def the_manager_hears_of_start_reload_and_end():
    with Daemon() as daemon:
        manager = Manager(daemon.place)
        daemon.start(ready=False, env={"NOTIFY_SOCKET": manager.path})
        contains(manager.until("READY=1"), "STATUS=serving")
        equal(daemon.status()["state"], "ready", "the daemon when it says so")
        daemon.process.send_signal(signal.SIGHUP)
        text = manager.until("RELOADING=1")
        stamp = int(text.split("MONOTONIC_USEC=")[1].split()[0])
        holds(abs(stamp / 1e6 - time.clock_gettime(time.CLOCK_MONOTONIC)) < 60, f"the time of {text}")
        manager.until("READY=1")
        daemon.write("[nonsense]\n")
        daemon.process.send_signal(signal.SIGHUP)
        manager.until("RELOADING=1")
        contains(manager.until("READY=1"), "serving by the old manifest: the new one has errors")
        daemon.process.terminate()
        manager.until("STOPPING=1")
        equal(daemon.process.wait(PATIENCE), 0, f"its exit code ({daemon.log()})")


def the_watchdog_is_fed_in_time_while_runs_go_on():
    limit = 0.5
    with Daemon() as daemon:
        manager = Manager(daemon.place)
        env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": str(int(limit * 1e6))}
        daemon.start(env=env)
        asks = [daemon.begin("rests", ms=1) for _ in range(100)]
        for _ in range(6):
            manager.until("WATCHDOG=1")
        for ask in asks:
            equal(ask.finish().exit, 0, "a run")
        fed = [at for at, text in manager.said if "WATCHDOG=1" in text]
        gaps = [b - a for a, b in zip(fed, fed[1:])]
        holds(max(gaps) < limit, f"the gaps were {gaps}")


# ---- its log ----

def the_log_level_of_a_component_changes_at_run_time():
    with Daemon() as daemon:
        daemon.start()
        daemon.cli("log", "serve", "error", check=0)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait(lambda: any(e["kind"] == "daemon.reloaded" for e in daemon.events()), "it has been read again")
        holds("has been read again" not in daemon.log(), "a component that was silenced speaks")
        daemon.cli("log", "serve", "info", check=0)
        daemon.reload()
        contains(daemon.cli("log", "loud", check=2).stderr, "error, warn, info or debug")
        contains(daemon.cli("log", "scheduel", "debug", check=2).stderr, "nothing logs as scheduel", "did you mean schedule?")
        for named in ("noop", "approvals", "delta_local"):
            daemon.cli("log", named, "debug", check=0)
        equal(daemon.ask("log", level="loud").member("error")["code"], "invalid", "an unknown level")


def log_lines_are_json_where_that_was_asked_for():
    with Daemon() as daemon:
        daemon.start(options=("--json",))
        daemon.run("segfaults")
        daemon.reload()
        daemon.write("[nonsense]\n")
        daemon.reload(accepted=False)
        equal(daemon.stop(), 0, "its exit code")
        lines = [json.loads(line) for line in daemon.log().splitlines()]
        holds(len(lines) >= 4, f"only {len(lines)} lines")
        for line in lines:
            equal(set(line), {"time", "level", "component", "message"}, "the members of a line")
        contains(str([line["message"] for line in lines]), "ready: workspace test", "stopping: SIGTERM")


def beside_a_journal_lines_carry_their_level():
    with Daemon() as daemon:
        daemon.start(env={"JOURNAL_STREAM": "1:1"})
        equal(daemon.stop(), 0, "its exit code")
        holds(all(line.startswith("<6>") for line in daemon.log().splitlines()), daemon.log())


# ---- what it cannot start with ----

def serve_in(place, *words, env=None, user=None):
    return subprocess.run([PROGRAM, *words, "serve"], capture_output=True, text=True, cwd=place, check=False,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, user=user)


def without_a_manifest_it_says_how_to_get_one():
    with Daemon() as daemon:
        (daemon.place / "empty").mkdir()
        done = serve_in(daemon.place / "empty", env={"LBOPS_MANIFEST": ""})
        equal(done.returncode, 2, "its exit code")
        contains(done.stderr, "there is no manifest here", "lbops init writes one")
        done = serve_in(daemon.place, "-m", "nowhere.toml")
        equal(done.returncode, 2, "its exit code")
        contains(done.stderr, "nowhere.toml")
        done = subprocess.run([PROGRAM, "serve", "now"], capture_output=True, text=True, check=False, cwd=daemon.place)
        equal(done.returncode, 2, "its exit code")
        contains(done.stderr, "serve does not take now")


def a_missing_plugin_is_named():
    with Daemon('[services.state]\nplugin = "state_nowhere"\n') as daemon:
        contains(daemon.cli("serve", check=2).stderr, "state_nowhere")
        daemon.write("[agents.a.tool.no_such_tool]\n")
        contains(daemon.cli("serve", check=2).stderr, "no_such_tool")
        daemon.plugins = [HOSTILE]
        daemon.write("")
        daemon.manifest.write_text(daemon.manifest.read_text().replace("transport_mock", "transport_none"))
        contains(daemon.cli("serve", check=2).stderr, "transport_none")


def without_a_state_service_there_is_no_daemon():
    with Daemon() as daemon:
        own = daemon.place / "plugins"
        own.mkdir(mode=0o755)
        shutil.copy(f"{PLUGINS}/transport_mock.so", own)
        daemon.plugins = [str(own)]
        daemon.write("")
        contains(daemon.cli("serve", check=1).stderr, "a daemon needs a state service, and there is none", "state_sqlite")


def a_state_directory_that_cannot_be_written_is_named():
    with Daemon() as daemon:
        daemon.state.write_text("a file")
        done = daemon.cli("serve")
        holds(done.returncode in (1, 2), f"exit code {done.returncode}")
        contains(done.stderr, str(daemon.state))
        daemon.state.unlink()
        if os.geteuid() == 0:
            daemon.state = pathlib.Path("/proc/lbops-state")  # even root makes no directory there
        else:
            daemon.state.mkdir(mode=0o500)
        daemon.write("")
        done = daemon.cli("serve")
        holds(done.returncode in (1, 2), f"exit code {done.returncode}")
        contains(done.stderr, "error: ", str(daemon.state))


suite(a_second_daemon_on_one_state_directory_says_who_holds_it,
      the_command_line_goes_through_the_daemon,
      without_a_daemon_the_command_line_does_it_itself_and_says_where_none_is,
      a_suspended_tool_is_resumed_in_the_daemon, a_person_stops_a_tool,
      an_interrupt_stops_the_run_and_not_the_daemon,
      runs_are_listed_by_tool_and_time,
      what_is_asked_for_by_its_id_is_there_or_that_is_an_error,
      who_only_looks_leaves_nothing_behind_and_tells_of_no_trouble,
      a_client_that_goes_away_in_the_middle_stops_nothing,
      a_client_that_speaks_nonsense_is_told_so_or_let_go,
      somebody_elses_user_is_refused,
      a_changed_manifest_holds_for_new_runs_and_drops_none,
      a_plugin_that_appeared_is_found_by_a_reload,
      a_broken_manifest_is_refused_and_the_old_one_goes_on,
      a_manifest_with_another_state_directory_is_refused,
      at_sigterm_a_short_run_ends_well_and_no_new_one_begins,
      a_run_longer_than_the_drain_is_cancelled_and_has_its_row,
      a_second_sigterm_ends_it_at_once,
      the_manager_hears_of_start_reload_and_end,
      the_watchdog_is_fed_in_time_while_runs_go_on,
      the_log_level_of_a_component_changes_at_run_time,
      log_lines_are_json_where_that_was_asked_for,
      beside_a_journal_lines_carry_their_level,
      without_a_manifest_it_says_how_to_get_one,
      a_missing_plugin_is_named,
      without_a_state_service_there_is_no_daemon,
      a_state_directory_that_cannot_be_written_is_named)
