"""What the suites of migrations share: a database with files, and runs of the tool on them."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

from place import PATIENCE, PROGRAM, Given, equal  # noqa: F401

TOOL = "apply_schema_migration"
FIRST = """
CREATE SCHEMA IF NOT EXISTS app;
CREATE TABLE IF NOT EXISTS app.orders (id bigint PRIMARY KEY, total numeric NOT NULL DEFAULT 0);
"""


class Migrations(Given):
    """A database of its own beside a directory of files."""

    def __init__(self, version, kind="throwaway", **files):
        super().__init__(version, kind)
        self.files = self.dir / "files"
        self.files.mkdir()
        for name, text in files.items():
            self.put(name, text)

    def put(self, name, text):
        """V1__a for V1__a.sql"""
        (self.files / (name if name.endswith(".sql") else f"{name}.sql")).write_bytes(text.encode())

    def migrate(self, check=0, **more):
        return self.run(TOOL, check=check, dir=str(self.files), **more)

    def refused(self, *parts, **more):
        """A run that fails, with these words in its error."""
        document = self.migrate(check=1, **more)
        for part in parts:
            if part not in document["error"]["message"] + (document["error"]["hint"] or ""):
                raise AssertionError(f"{part!r} is not in {document['error']}")
        return document

    def start(self, **more):
        """A run of its own process group, which can be killed whole."""
        words = [PROGRAM, "-m", str(self.manifest), "--json", "run", TOOL, "--branch", self.branch, "--dir",
                 str(self.files)]
        for name, value in more.items():
            words += [f"--{name}", str(value)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def until(self, question, answer="t"):
        """Asks the database until it says so: what is waited for happens in another process."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.sql(question) == answer:
                return
            time.sleep(0.02)
        raise AssertionError(f"never {answer}: {question}")

    def ledger(self):
        return self.sql("SELECT script, state, step, steps FROM lbops_migration.ledger "
                        "WHERE kind <> 'report' ORDER BY id").splitlines()

    def exists(self, name):
        return self.sql(f"SELECT to_regclass('{name}') IS NOT NULL") == "t"


def rules(document):
    return {f["kind"] for f in document["result"].get("findings", [])}


def kill(process):
    """As if the machine had lost power, for the program and its workers."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
