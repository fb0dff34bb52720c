"""Indexes that only a standby uses are used: scans are counted on every compute of the branch that can be read."""

import contextlib
import json
import os
import subprocess
import time

from place import COUNTER, PATIENCE, Place, Workspace, contains, each_version, equal, holds, suite, target
from ward import Ward

HISTORY = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'
NOW = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_bytes": 0}
TABLES = """
CREATE TABLE orders (id int, note text);
INSERT INTO orders SELECT i, 'note ' || i FROM generate_series(1, 12000) i;
CREATE INDEX idle ON orders (note);
CREATE INDEX reported ON orders (id);
ANALYZE;
"""
SCANS = "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname = 'reported'"


class Followed(Place):
    """A private server, with a standby or without; the branch is its only database."""

    def __init__(self, ward, reader):
        self.where, self.server = f"Postgres {ward.version} with a standby", ward.url
        writes, reads = (f"LBOPS_TEST_{side}{next(COUNTER)}" for side in ("WRITER", "READER"))  # stories run at once
        os.environ |= {writes: ward.url, reads: reader or ""}
        secrets = f'[secrets]\nwriter = {{ env = "{writes}" }}\n'
        transport = 'plugin = "transport_local"\ndsn = { secret = "writer" }'
        if reader:
            transport += '\nreader_dsn = { secret = "reader" }'
            secrets += f'reader = {{ env = "{reads}" }}\n'
        super().__init__(transport, target("given", "postgres", "production") + secrets, HISTORY, "postgres")

    def url(self, branch=None):
        return self.server


def until(ward, question, wanted):
    """Statistics and log arrive a moment later."""
    ends = time.monotonic() + PATIENCE
    while (seen := ward.at_standby(question)) != wanted:
        holds(time.monotonic() < ends, f"{question}: {seen} on the standby, not {wanted}")
        time.sleep(0.05)


def port_of(ward):
    return ward.url.rsplit(":", 1)[-1].split("/")[0]


def all_computes_are_asked(version):
    with Ward(version) as ward:
        ward.sql(TABLES)
        ward.standby()
        reader = f"postgresql://postgres@/postgres?host={ward.standby_home}&port={port_of(ward)}"
        until(ward, "SELECT sum(id) FROM orders", "72006000")

        with Followed(ward, None) as place:  # nobody says how to reach it: both seem unused, and no verdict is sure
            found = place.run("detect_unused_indexes", **NOW)["result"]
            seen = {f["object"]: f for f in found["findings"]}
            equal(set(seen), {"public.idle", "public.reported"}, "unused as far as one can see")
            for finding in seen.values():
                equal(finding["confidence"]["label"], "low", f"with a standby that was not read: {finding['confidence']}")
                equal((finding["evidence"]["computes_read"], finding["evidence"]["computes_not_read"]),
                      (["the one that writes"], ["1 standby"]), "who was asked")
            contains(str(found["skipped"]), "use of indexes on 1 standby", "no endpoint leads there")
            contains(str(found["examined"]), "'computes': 1")
            noted = str(place.history("SELECT metric_name FROM lakebase_metrics"))
            holds("index_floor" in noted and "index_observation" not in noted, f"no epoch of all computes: {noted}")

        ward.at_standby("SET enable_seqscan = off; SELECT note FROM orders WHERE id = 1")
        until(ward, SCANS, "1")
        with Followed(ward, reader) as place:
            found = place.run("detect_unused_indexes", **NOW)["result"]
            seen = {f["object"]: f for f in found["findings"]}
            equal(set(seen), {"public.idle"}, "used by nobody")
            idle = seen["public.idle"]
            equal((idle["evidence"]["computes_read"], idle["evidence"]["computes_not_read"]),
                  (["the one that writes", "reader"], []), "who was asked")
            contains(idle["confidence"]["terms"], {"name": "all_computes_read", "points": 0.1})
            contains(idle["reason"], "1 compute that only reads was looked at too")
            contains(str(found["examined"]), "'computes': 2")
            started = ward.at_standby("SELECT extract(epoch FROM pg_postmaster_start_time())::bigint")
            counted = place.sql(f"SELECT extract(epoch FROM '{idle['evidence']['counted_since']}'::timestamptz)::bigint")
            holds(int(counted) >= int(started), f"the window is the shortest of all: {counted}, the standby is of {started}")
            noted = str(place.history("SELECT object_name, metric_value FROM lakebase_metrics WHERE metric_name = 'index_scans'"))
            contains(noted, "public.reported")

            ward.shell('pg_exec "$bin/pg_ctl" -D "$1/data" -m immediate -w restart -l "$1/log" >/dev/null', ward.standby_home)
            until(ward, SCANS, "0")
            found = place.run("detect_unused_indexes", **NOW)["result"]  # it has forgotten, the history has not
            equal({f["object"] for f in found["findings"]}, {"public.idle"}, "used in an earlier epoch of the standby")
            contains(str(found["skipped"]), "used before, and no month has passed since")

            ward.shell('pg_exec "$bin/pg_ctl" -D "$1/data" -m immediate -w stop >/dev/null', ward.standby_home)
            found = place.run("detect_unused_indexes", **NOW)["result"]
            contains(str(found["skipped"]), "use of indexes on reader")
            for finding in found["findings"]:
                equal(finding["evidence"]["computes_not_read"], ["reader"], "who could not be asked")
                holds(finding["confidence"]["label"] == "low", f"a verdict on one of two: {finding['confidence']}")
        with contextlib.suppress(subprocess.SubprocessError, AssertionError):
            ward.shell('pg_exec "$bin/pg_ctl" -D "$1/data" -w -l "$1/log" start >/dev/null', ward.standby_home)


def a_standby_does_not_contradict_its_primary(version):
    """Of two of the same columns the standby has scanned another one: it says so little that nobody acts on it."""
    used = "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname = 'twin_b'"
    valid = "UPDATE pg_index SET indisvalid = {} WHERE indexrelid = 'twin_a'::regclass"
    state = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'twin_a'::regclass"
    with Ward(version) as ward:
        ward.sql("CREATE TABLE twins (n int); CREATE INDEX twin_a ON twins (n); CREATE INDEX twin_b ON twins (n);"
                 "INSERT INTO twins SELECT generate_series(1, 1000)")
        ward.standby()
        ward.sql(valid.format("false"))
        until(ward, state, "f")
        ward.at_standby("SET enable_seqscan = off; SELECT n FROM twins WHERE n = 1")
        until(ward, used, "1")
        ward.sql(valid.format("true"))
        until(ward, state, "t")
        standby = f"postgresql://postgres@/postgres?host={ward.standby_home}&port={port_of(ward)}"
        with Followed(ward, None) as place:
            (seen,) = place.run("detect_duplicate_indexes")["result"]["findings"]
            equal((seen["object"], "fix" in seen), ("public.twin_b", True), "the primary has scanned neither: the older stays")
            done = place.cli("--json", "run", "detect_duplicate_indexes", "--dsn", standby, check=0)
            (seen,) = json.loads(done.stdout)["result"]["findings"]
            equal((seen["object"], seen["confidence"]["label"], seen.get("fix")), ("public.twin_b", "low", None), "the standby")


class Shop(Workspace):
    """A project whose branch has an endpoint that only reads, which is a real standby once somebody connects there."""

    READER = "projects/shop/branches/production/endpoints/reader"

    def __init__(self, version):
        super().__init__(HISTORY, targets=(("production", "production"),))
        self.where = f"a workspace of Postgres {version}"
        self.project(version=version)
        self.sql(TABLES)

    def make_reader(self):
        spec = {"endpoint_type": "ENDPOINT_TYPE_READ_ONLY", "autoscaling_limit_min_cu": 0.5, "autoscaling_limit_max_cu": 1}
        self.emulator.finish(self.emulator.postgres("POST", "projects/shop/branches/production/endpoints", {"spec": spec},
                                                    endpoint_id="reader"))
        self.emulator.settled(self.READER)

    def at_reader(self, text):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(endpoint="reader"), "-c", text],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        equal(done.returncode, 0, f"{text}: {done.stderr}")
        return done.stdout.strip()

    def compute(self):
        """Of the reader, whoever asks: whether its server really runs, and since when it has."""
        (seen,) = [c for c in self.emulator.control("GET", "computes")["computes"] if c["endpoint"] == self.READER]
        return seen["state"], seen["running"], seen["pid"]

    def act(self, verb):
        self.emulator.control("POST", f"computes/{verb}", {"endpoint": self.READER, "force": True})

    def unused(self, remembers=False):
        """What it finds; with nothing of earlier runs to go by, or with what they have seen."""
        self.state = self.state if remembers else self.dir / f"state-{next(COUNTER)}"
        self.write()
        found = self.run("detect_unused_indexes", **NOW)["result"]
        return {f["object"]: f for f in found["findings"]}, str(found["skipped"])


def not_all_were_asked(seen, skipped, why):
    """What can be said then: the two seem unused, and nobody should rely on it."""
    equal(set(seen), {"public.idle", "public.reported"}, f"unused as far as one can see, {why}")
    for finding in seen.values():
        equal((finding["evidence"]["computes_read"], finding["evidence"]["computes_not_read"]),
              (["the one that writes"], ["reader"]), f"who was asked, {why}")
        contains(finding["confidence"]["terms"], {"name": "all_computes_read", "points": -0.5})
        equal(finding["confidence"]["label"], "low", f"a verdict on one of two, {why}")
        contains(finding["reason"], "what 1 other compute uses cannot be read here")
    contains(skipped, "use of indexes on reader")


def alone(seen, skipped):
    equal(set(seen), {"public.idle", "public.reported"}, "scanned by nobody who is there")
    for finding in seen.values():
        equal((finding["evidence"]["computes_read"], finding["evidence"]["computes_not_read"]),
              (["the one that writes"], []), "who was asked")
        contains(finding["confidence"]["terms"], {"name": "all_computes_read", "points": 0.1})
    holds("use of indexes on" not in skipped, f"nobody else is spoken of: {skipped}")
    return {name: (f["confidence"]["value"], f["confidence"]["label"], f["reason"].partition(", while")[2])
            for name, f in seen.items()}


def endpoints_of_a_workspace_are_asked(version):
    """Of a project's read-only endpoint: what it scans counts, asleep it is left asleep, and gone it is forgotten."""
    with Shop(version) as place:
        before = alone(*place.unused())
        place.make_reader()
        place.at_reader("SET enable_seqscan = off; SELECT note FROM orders WHERE id = 1")
        ends = time.monotonic() + PATIENCE
        while (seen := place.at_reader(SCANS)) != "1":
            holds(time.monotonic() < ends, f"{seen} scans on the reader")
        seen, skipped = place.unused()
        equal(set(seen), {"public.idle"}, "used by nobody")
        equal((seen["public.idle"]["evidence"]["computes_read"], seen["public.idle"]["evidence"]["computes_not_read"]),
              (["the one that writes", "reader"], []), "who was asked")
        contains(seen["public.idle"]["confidence"]["terms"], {"name": "all_computes_read", "points": 0.1})
        holds("use of indexes on" not in skipped, f"all could be asked: {skipped}")

        fault = place.emulator.fault("pg_refuse", f"^{place.READER}$", count=0)
        seen, skipped = place.unused(remembers=True)
        equal(set(seen), {"public.idle"}, "used in an earlier run")
        contains(skipped, "used before, and no month has passed since")
        seen, skipped = place.unused()
        not_all_were_asked(seen, skipped, "unreachable")
        place.emulator.control("DELETE", f"faults/{fault}")

        place.act("suspend")
        equal(place.compute()[:2], ("IDLE", False), "the reader sleeps")
        seen, skipped = place.unused()
        not_all_were_asked(seen, skipped, "asleep")
        contains(skipped, "reader sleeps, and is not woken to be looked at")
        equal(place.compute()[:2], ("IDLE", False), "the reader sleeps on")

        # The first list is the session's own, which looks for the compute that writes.
        lists = place.emulator.fault("status", "/endpoints$", "GET", status=403, error_code="PERMISSION_DENIED", skip=1)
        unlisted, skipped = place.unused()
        place.emulator.control("DELETE", f"faults/{lists}")
        equal(set(unlisted), {"public.idle", "public.reported"}, "unused as far as one can see, unlisted")
        for finding in unlisted.values():
            contains(finding["reason"], "whether other computes use it is not known")
        contains(skipped, "which other computes there are")

        place.emulator.finish(place.emulator.postgres("DELETE", place.READER))
        equal(alone(*place.unused()), before, "once it is gone it is as it was before")


suite(*each_version(a_standby_does_not_contradict_its_primary, all_computes_are_asked, endpoints_of_a_workspace_are_asked), at_once=2)
