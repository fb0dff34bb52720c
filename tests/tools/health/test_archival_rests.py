"""archive_cold_data_to_delta rests between batches: for those who are at work, and without holding anything meanwhile."""

import contextlib
import json
import os
import re
import subprocess
import time

from cold_place import ORDERS, Archive, only
from place import PROGRAM, TESTS, each_version, equal, holds, suite

OURS = """SELECT json_build_object('state', state, 'xmin', backend_xmin, 'held', backend_xmin IS NOT NULL OR xact_start IS NOT NULL,
                            'since', extract(epoch FROM clock_timestamp() - state_change), 'query', query)
            FROM pg_stat_activity
           WHERE application_name LIKE 'lbops%' AND datname = current_database() AND query LIKE '%at_least%'"""


@contextlib.contextmanager
def running(place, *words):
    process = subprocess.Popen([PROGRAM, "-m", str(place.manifest), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, **place.env})
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def at_rest(place, process):
    """Our session, once it has rested for a moment: its last statement was the one that asks how long."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        for row in map(json.loads, place.sql(OURS).splitlines()):
            if row["since"] > 0.7 and process.poll() is None:
                return row
        time.sleep(0.05)
    raise AssertionError(f"it never rested; it ended with {process.poll()}")


def nothing_is_held_meanwhile(version):
    """Neither while it copies, nor while the deletion is carried out that a person has approved."""
    with Archive(version) as place:
        place.sql(ORDERS)
        with running(place, "run", "archive_cold_data_to_delta", "--branch", place.branch, "--tables", '["orders"]', "--min_rows",
                     "1", "--batch_rows", "200", "--pause_ms", "2500") as copies:
            row = at_rest(place, copies)
            equal((row["state"], row["held"]), ("idle", False), "between two batches that are copied")
        place.archive(check=3, tables=["orders"], pause_ms=2500)
        with running(place, "approve", only(place)["id"], "--as", "anna", "--because", "it was looked at") as deletes:
            row = at_rest(place, deletes)
            equal((row["state"], row["held"]), ("idle", False), "between two batches that are deleted")
            holds(0 < len(place.settled()) < 3, "some of them are gone")


def the_longer_the_more_others_are_at_work(version):
    """Our own sessions do not count, eight of which have each just ended a statement."""
    text = (TESTS.parent / "sql/archival/pause.sql").read_text()
    rest = re.sub(r"^--.*\n", "", text, flags=re.M).replace(":seconds", "1")

    def asked(settings=""):
        return [float(n) for n in place.sql(settings + rest).split("|")]
    with Archive(version) as place:
        ours = [place.person("postgres", application="lbops/1 other") for _ in range(8)]
        for session in ours:
            session.say("SELECT 1")
        holds(asked()[0] < 8, "it rests as if they were not there")
        others = [place.person("postgres") for _ in range(2)]
        for session in others:
            session.start("SELECT pg_sleep(100)")
        place.until("SELECT count(*) = 2 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(100)%'")
        at_least, times, at_most = asked()
        holds(at_least >= 3, "for others it rests longer")
        equal((times, at_most), (9, 30), "and gives them nine tenths of the time, thirty times at most")
        equal(asked("SET idle_session_timeout = '4s'; ")[2], 2, "a session that may not be idle for long comes back in time")


suite(*each_version(nothing_is_held_meanwhile), *each_version(the_longer_the_more_others_are_at_work)[-1:])
