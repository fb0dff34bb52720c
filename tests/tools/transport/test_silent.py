"""Servers that say nothing: one that takes connections and no more, and one that hangs in a statement. Who waits for them
hears which it was, and not that there was too little time."""

import concurrent.futures
import contextlib
import os
import pathlib
import signal
import time

from place import PATIENCE, Place, contains, each_version, equal, holds, suite, target
from ward import Ward

TOOL = "example_tables"


class There(Place):
    """At a private server, whose looks wait for locks."""

    def __init__(self, ward):
        super().__init__('plugin = "transport_local"\nlock_timeout_ms = 60000\nread_lock_timeout_ms = 60000\ndsn = { secret = "there" }',
                         target("shop", "postgres", "production") + '[secrets]\nthere = { env = "LBOPS_WARD" }\n', "", "postgres")
        self.ward, self.where = ward, f"Postgres {ward.version}"
        with contextlib.closing(Somebody(self)) as session:  # each session is a child of it
            self.postmaster = int(pathlib.Path(f"/proc/{session.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])

    def url(self, branch=None):
        return self.ward.url

    def cli(self, *words, env=None, **more):
        return super().cli(*words, env={"LBOPS_WARD": self.ward.url, **(env or {})}, **more)

    def waits(self):
        """The sessions of ours that wait for a lock."""
        return [int(pid) for pid in self.sql("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                             " AND application_name LIKE 'lbops%'").split()]


class Somebody:
    """A session that stays."""

    def __init__(self, place):
        self.psql = place.session()
        self.pid = int(self.says("SELECT pg_backend_pid();"))

    def says(self, text):
        self.psql.stdin.write(text + "\n")
        self.psql.stdin.flush()
        return self.psql.stdout.readline()

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()
        self.psql.stdout.close()


@contextlib.contextmanager
def frozen(*pids):
    """Until the end they do nothing, and their kernel takes connections for them."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def a_server_that_takes_connections_alone_is_said_to_be_silent(version):
    with Ward(version) as ward, There(ward) as place:
        with frozen(place.postmaster):
            error = place.run(TOOL, check=1, timeout=3)["error"]
        equal(error["code"], "timeout", error["message"])
        contains(error["message"], "connecting to shop/postgres: no answer in ")
        contains(error["hint"], "see whether its server hangs")
        place.run(TOOL)


def a_server_that_hangs_in_a_statement_is_said_to_answer_nothing(version):
    with Ward(version) as ward, There(ward) as place, concurrent.futures.ThreadPoolExecutor() as aside:
        place.sql("CREATE TABLE t (id int)")
        with contextlib.closing(Somebody(place)) as holder:
            equal(holder.says("BEGIN; LOCK TABLE t; SELECT 'held';"), "held\n", "somebody has a lock")
            for hangs, words in ((True, "the server of shop/postgres does not answer, nor to a cancel, "), (False, "the deadline passed")):
                run = aside.submit(place.run, TOOL, check=1, timeout=8, min_bytes=0)
                until, waiting = time.monotonic() + PATIENCE, []
                while not waiting and time.monotonic() < until:
                    waiting = place.waits()
                holds(waiting, "the run waits for the lock")
                with frozen(*([place.postmaster, *waiting] if hangs else [])):
                    error = run.result()["error"]
                equal(error["code"], "timeout", error["message"])
                contains(error["message"], words)
                equal("does not answer" in error["message"], hangs, "a statement that is only slow is not told as that")
                equal(error["hint"].startswith("see whether its server hangs"), hangs, "nor its hint")


suite(*each_version(a_server_that_takes_connections_alone_is_said_to_be_silent,
                    a_server_that_hangs_in_a_statement_is_said_to_answer_nothing), at_once=2)
