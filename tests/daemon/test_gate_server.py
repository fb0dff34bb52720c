"""The gate on a real server: an index that was to be dropped changes meanwhile, is asked about again, and goes once."""

import json
import os
import shutil
import subprocess
import sys

from daemon import Daemon, contains, equal, holds, suite

URL = os.environ.get("LBOPS_TEST_PG17")
if not URL or not shutil.which("psql"):
    sys.exit(77)
DATABASE = f"lbops_gate_flow_{os.getpid()}"


def sql(text, database="postgres"):
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", URL, "-c", rf"\c {database}", "-c", text],
                          capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"{text}: {done.stderr}")
    return done.stdout.strip()


def index_is_there():
    return sql("SELECT to_regclass('public.old_idx') IS NOT NULL", DATABASE) == "t"


def a_dropped_index_that_changed_meanwhile_is_asked_about_again_and_goes_once():
    sql(f"CREATE DATABASE {DATABASE}")
    target = f'[[targets]]\nproject = "shop"\nbranch = "{DATABASE}"\nclass = "production"\n'
    secret = '[secrets]\nserver = { env = "LBOPS_TEST_PG17" }\n'
    transport = 'plugin = "transport_local"\ndsn = { secret = "server" }'
    try:
        sql("CREATE TABLE public.orders (id int PRIMARY KEY, note text)", DATABASE)
        sql("CREATE INDEX old_idx ON public.orders (note)", DATABASE)
        with Daemon(target + secret, transport=transport) as daemon:
            daemon.start()
            run = ("--json", "run", "example_cleanup", "--branch", DATABASE, "--index", "old_idx")
            request = json.loads(daemon.cli(*run, check=3).stdout)["approvals"][0]["id"]
            holds(index_is_there(), "it was dropped without an answer")
            hash_before = daemon.approvals()[0]["hash"]
            sql("DROP INDEX public.old_idx; CREATE INDEX old_idx ON public.orders (note, id)", DATABASE)
            back = daemon.cli("approve", request, "--as", "anna", "--because", "nobody uses it")
            holds(index_is_there(), "it was dropped although it had changed")
            item = daemon.approvals()[0]
            equal((item["id"], item["status"], item["decisions"]), (request, "pending", []), "the request")
            holds(item["hash"] != hash_before, "its hash is the old one")
            contains(json.dumps(item["difference"]), "public.old_idx")
            contains(daemon.cli("approvals", check=0).stdout, "difference", "public.old_idx")
            holds(back.returncode == 3, f"exit code {back.returncode} of an approval that went back: {back.stdout}")
            contains(back.stdout, "public.old_idx has changed since this was asked for: its definition", "before   CREATE INDEX", "(note, id)")
            holds("()" not in back.stdout and "{" not in back.stdout, f"not for people: {back.stdout}")
            daemon.cli("approve", request, "--as", "anna", "--because", "nor this one", check=0)
            holds(not index_is_there(), "it is still there")
            contains(daemon.cli("approve", request, "--as", "anna", "--because", "again", check=1).stderr,
                     "is executed already")
            done = [r for r in daemon.rows("audit_log") if r.get("outcome") == "applied"]
            equal(len([r for r in done if "DROP INDEX" in str(r)]), 1, "times that it was dropped")
            equal(daemon.stop(), 0, "its exit code")
    finally:
        sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")


suite(a_dropped_index_that_changed_meanwhile_is_asked_about_again_and_goes_once)
