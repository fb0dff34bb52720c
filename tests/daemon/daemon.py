"""A daemon of our own for a test: started, asked over its control socket, killed, looked at.

Programs and plugins come from LBOPS_PROGRAM, LBOPS_PLUGINS and LBOPS_HOSTILE, as for the suites in C."""

import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from suite import Skipped, contains, equal, holds, remove, skip, suite  # noqa: E402,F401  what tests say things with

PROGRAM = os.environ["LBOPS_PROGRAM"]
PLUGINS = os.environ["LBOPS_PLUGINS"]
HOSTILE = os.environ["LBOPS_HOSTILE"]
FIXTURES = os.environ.get("LBOPS_FIXTURES", "")
PATIENCE = 60 if os.environ.get("LBOPS_SANITIZED") else 30

MANIFEST = """
[workspace]
name = "test"
state_dir = "{state}"
plugins = {plugins}

[services.transport]
{transport}

[limits]
workers = 2
grace_s = 1

{more}
"""


class Ask:
    """One request on a connection of its own; lines are read as they come."""

    def __init__(self, daemon, request):
        self.sock = daemon.connect()
        self.sock.sendall(json.dumps(request).encode() + b"\n")
        self.rest = b""
        self.lines = []
        self.exit = None

    def read(self, deadline):
        """The next line, or None when the daemon is gone or its time is over."""
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            try:
                data = self.sock.recv(1 << 16)
            except OSError:
                return None
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        self.lines.append(json.loads(line))
        self.exit = self.lines[-1].get("exit", self.exit)
        return self.lines[-1]

    def finish(self, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while self.exit is None and self.read(deadline) is not None:
            pass
        self.sock.close()
        return self

    def member(self, name):
        return next((line[name] for line in self.lines if name in line), None)

    def items(self):
        return [line["item"] for line in self.lines if "item" in line]


class Daemon:
    """A state directory, a manifest, and the daemon that serves them."""

    def __init__(self, more="", name="d", place=None, plugins=(PLUGINS, HOSTILE), transport=None):
        self.place = pathlib.Path(place or tempfile.mkdtemp(prefix="lbops-daemon-"))
        self.own_place = place is None
        self.state = self.place / f"state-{name}"
        self.manifest = self.place / f"{name}.toml"
        self.log_path = self.place / f"{name}.log"
        self.plugins = [str(p) for p in plugins]
        self.transport = transport or f'plugin = "transport_mock"\nfixtures = "{FIXTURES or self.place}"'
        self.process = None
        self.write(more)

    def write(self, more):
        self.manifest.write_text(MANIFEST.format(
            state=self.state, plugins=json.dumps(self.plugins), transport=self.transport, more=more))

    def start(self, ready=True, env=None, prefix=(), options=("--log-level", "info")):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, PROGRAM, "-m", str(self.manifest), *options, "serve"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})})
        if ready:
            self.wait(lambda: self.status() is not None and self.status()["state"] == "ready", "it gets ready")
        return self

    def begin(self, tool, **args):
        """A run that nobody waits for yet."""
        given = [{"name": k, "text": str(v)} for k, v in args.items()]
        return Ask(self, {"verb": "run", "tool": tool, "name": "tester", "args": given})

    def reload(self, accepted=True):
        """SIGHUP, and what came of it."""
        said = "the manifest has been read again" if accepted else "the manifest was refused: the old one goes on"
        before = self.log().count(said)
        self.process.send_signal(signal.SIGHUP)
        self.wait(lambda: self.log().count(said) > before, said)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait(self, condition, what, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            if self.process and self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode} before {what}:\n{self.log()}")
            select.select([], [], [], 0.02)
        raise AssertionError(f"not within {seconds} s: {what}\n{self.log()[-3000:]}")

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        fd = os.open(self.state, os.O_PATH)
        try:
            sock.connect(f"/proc/self/fd/{fd}/control.sock")
        finally:
            os.close(fd)
        return sock

    def ask(self, verb, seconds=PATIENCE, **members):
        return Ask(self, {"verb": verb, "name": "tester", **members}).finish(seconds)

    def status(self, entries=False):
        with contextlib.suppress(OSError):
            return self.ask("status", entries=entries, seconds=5).member("result")
        return None

    def run(self, tool, plan=False, seconds=PATIENCE, **args):
        given = [{"name": k, "text": str(v)} for k, v in args.items() if k not in ("project", "branch")]
        return self.ask("run", seconds, tool=tool, plan=plan, args=given, project=args.get("project"),
                        branch=args.get("branch"))

    def runs(self, **members):
        return self.ask("runs", limit=10000, **members).items()

    def running(self):
        return [r for r in self.runs() if r["status"] == "running"]

    def documents(self, change):
        """While it is stopped: gives each document of its state to change(space, key, body), which may alter it."""
        equal(self.process is None or self.process.poll() is not None, True, "it is stopped")
        store = sqlite3.connect(self.state / "state.db")
        with store:
            for space, key, text in store.execute("SELECT space, key, body FROM document").fetchall():
                body = json.loads(text)
                if change(space, key, body):
                    store.execute("UPDATE document SET body = ? WHERE space = ? AND key = ?",
                                  (json.dumps(body), space, key))
        store.close()

    def approvals(self, **members):
        return self.ask("approvals", all=True, **members).items()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"it did not end by SIGTERM:\n{self.log()[-3000:]}") from None
        return self.process.returncode if self.process else None

    def cli(self, *words, check=None, env=None):
        done = subprocess.run([PROGRAM, "-m", str(self.manifest), *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE * 2, check=False, env={**os.environ, **(env or {})})
        if check is not None and done.returncode != check:
            raise AssertionError(f"lbops {' '.join(words)}: exit {done.returncode}, not {check}\n{done.stdout}{done.stderr}")
        return done

    def spawn(self, *words):
        """The command line at work, for tests that have something to do meanwhile."""
        return subprocess.Popen([PROGRAM, "-m", str(self.manifest), *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def rows(self, table):
        """Rows of history that wait in the outbox."""
        found = []
        for path in sorted((self.state / "outbox" / table).glob("*.ndjson")):
            found += [json.loads(line) for line in path.read_text().splitlines()[1:]]
        return found

    def events(self):
        out = self.cli("--json", "events", check=0).stdout
        return [json.loads(line) for line in out.splitlines()]

    def close(self):
        try:
            if self.process and self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
        finally:
            if self.own_place:
                remove(self.place)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind and not issubclass(kind, (AssertionError, Skipped)):
            print(self.log()[-3000:], file=sys.stderr)
        self.close()
