"""What the suites of the health tools share: people who connect under names of their own, and what the server says of
them."""

import concurrent.futures
import contextlib
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import time

from place import VERSIONS, Given

COUNTER = itertools.count(1)
PATIENCE = 60


class Person:
    """A psql that stays, as another role. say() returns when the server has answered; start() does not wait."""

    def __init__(self, place, user, application="app", database=None):
        url = place.url(database).replace("//postgres@", f"//{user}@")
        self.place = place
        self.process = subprocess.Popen(["psql", "-XAtq", "-d", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, bufsize=1,
                                        env={**os.environ, "PGAPPNAME": application})
        self.pid = int(self.say("SELECT pg_backend_pid()")[0])

    def start(self, text):
        self.process.stdin.write(text + ";\n")
        self.process.stdin.flush()

    def say(self, text):
        self.start(text)
        self.process.stdin.write("\\echo done\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) and line != "done\n":
            lines.append(line.rstrip("\n"))
        return lines

    def lives(self):
        return self.place.at_server(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {self.pid}") == "1"

    def leave(self):
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Clinic(Given):
    """A database with roles of its own: people who leave when it closes."""

    def __init__(self, version, **given):
        self.version, self.env = version, {}
        super().__init__(version, **given)
        self.people, self.roles = [], []

    def role(self, name, options="LOGIN"):
        role = f"{name}_{os.getpid()}_{next(COUNTER)}"
        self.at_server(f'CREATE ROLE "{role}" {options}')
        self.roles.append(role)
        return role

    def is_known(self):
        """From now on its control plane knows the branch."""
        self.transport += '\nprojects = ["shop"]'
        self.write()

    def is_made_again(self):
        """The branch, under its name, with nothing in it; nobody says so."""
        self.at_server(f"DROP DATABASE {self.database} WITH (FORCE)")
        self.at_server(f"CREATE DATABASE {self.database}")

    def person(self, user, application="app", database=None):
        self.people.append(Person(self, user, application, database))
        return self.people[-1]

    def until(self, question, answer="t"):
        """Waits for the server to say so: for what happens there by itself. It asks again at most 20 times a second."""
        deadline = time.monotonic() + PATIENCE
        while self.at_server(question) != answer:
            if time.monotonic() > deadline:
                raise AssertionError(f"{question}: not {answer} after {PATIENCE} s")
            time.sleep(0.05)

    def until_here(self, question):
        """The same in this database."""
        self.wait(lambda: self.sql(question) == "t")

    def wait(self, claim, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while not claim():
            if time.monotonic() > deadline:
                raise AssertionError(f"not so after {patience} s; {self.dir / 'log'}")
            time.sleep(0.05)

    def be(self, role):
        """From now on lbops connects as that role."""
        self.env = {f"LBOPS_TEST_PG{self.version}": self.server.replace("//postgres@", f"//{role}@")}

    def cli(self, *words, **given):
        return super().cli(*words, **{**given, "env": {**self.env, **(given.get("env") or {})}})

    def close(self):
        for person in self.people:
            person.leave()
        super().close()
        for role in self.roles:
            with contextlib.suppress(AssertionError):
                self.at_server(f'DROP OWNED BY "{role}"')
            with contextlib.suppress(AssertionError):
                self.at_server(f'DROP ROLE "{role}"')


@contextlib.contextmanager
def memory(place, tool):
    """What a tool remembers of this branch, to be altered."""
    with contextlib.closing(sqlite3.connect(place.state / "state.db")) as store, store:
        rows = store.execute("SELECT key, body FROM document WHERE space = 'memory'").fetchall()
        (key, text), = [row for row in rows if tool in row[0]]
        body = json.loads(text)
        yield body
        store.execute("UPDATE document SET body = ? WHERE space = 'memory' AND key = ?", (json.dumps(body), key))


def on_each(*tests):
    """Each test on all servers at hand at the same time, and one test after the other: what one ends on a server could be
    another's."""
    def bind(test):
        def bound():
            with concurrent.futures.ThreadPoolExecutor(len(VERSIONS)) as pool:
                waiting = {version: pool.submit(test, version) for version in VERSIONS}
            for version, outcome in waiting.items():
                if trouble := outcome.exception():
                    raise AssertionError(f"on {version}: {trouble}") from trouble
        bound.__name__ = f"{test.__name__}_on_{'_'.join(map(str, VERSIONS))}"
        return bound
    if not VERSIONS:
        sys.exit(77)
    return [bind(test) for test in tests]


def told(document, name):
    """A list of the result, by pid."""
    return {item["pid"]: item for item in document["result"].get(name, [])}


def radius_of(request):
    """What the evidence of a request says of what goes with its session, and why it does not know."""
    text = json.dumps(request).replace('\\"', '"')
    return [json.JSONDecoder().raw_decode(text.partition(f'"{name}":')[2].lstrip())[0]
            for name in ("blast_radius", "blast_radius_unknown")]
