"""A compute that only the schedule keeps awake is left alone, after a last snapshot, until somebody else comes; what the server and
the control plane say of it is told by fixtures, as no timeout of a real one is short enough to wait for."""

import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import time

from place import PATIENCE, PROGRAM, Given, Place, contains, each_version, equal, holds, skip, suite, target
from planted import answer

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "etc" / "fixtures" / "mock"
SCHEDULE = """
[schedule]
spread_s = 0
awake_min = {budget}
[agents.performance]
tools = ["collect_pg_stat_statements_info", "persist_pg_stat_statements"]
[agents.performance.tool.collect_pg_stat_statements_info]
schedule = "@every 1s"
[agents.performance.tool.persist_pg_stat_statements]
schedule = "{every}"
"""


class Mocked(Place):
    """Its fixtures are its own."""

    def __init__(self, every, wake=False, budget=0):
        super().__init__("", target("shop", "staging", "shared") + ("wake = true\n" if wake else ""), SCHEDULE.format(every=every, budget=budget), "staging")
        self.fixtures = self.dir / "fixtures"
        shutil.copytree(FIXTURES, self.fixtures)
        self.transport = f'plugin = "transport_mock"\nfixtures = "{self.fixtures}"\n'
        self.endpoint("2026-02-01T00:00:00Z")
        self.write()

    def endpoint(self, active, timeout="1s"):
        """Its compute has a name of its own, and one that only reads, and never sleeps, comes first."""
        status = {"current_state": "ACTIVE", "suspend_timeout_duration": timeout, "last_active_time": active}
        computes = [{"endpoint_id": "reader", "status": {**status, "endpoint_type": "ENDPOINT_TYPE_READ_ONLY", "no_suspension": True}},
                    {"endpoint_id": "main", "status": {**status, "endpoint_type": "ENDPOINT_TYPE_READ_WRITE"}}]
        case = {"method": "GET", "path": "projects/shop/branches/staging/endpoints", "reply": {"endpoints": computes}}
        path = self.fixtures / "control.json"
        path.write_text(json.dumps([case, *[c for c in json.loads(path.read_text()) if c["path"] != case["path"]]]))

    @contextlib.contextmanager
    def daemon(self):
        with (self.dir / "log").open("w") as log:
            daemon = subprocess.Popen([PROGRAM, "-m", str(self.manifest), "--log-level", "info", "serve"], stdout=log, stderr=log)
            try:
                yield daemon
            finally:
                daemon.terminate()
                daemon.wait()

    def log(self):
        return (self.dir / "log").read_text()

    def ended(self, tool="collect_pg_stat_statements_info"):
        """Oldest first: status and what was said."""
        done = self.cli("--json", "runs", "--limit", "500")
        runs = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip().startswith("[") else []
        return [r["status"] for r in reversed(runs) if r["tool"] == tool and r["status"] != "running"]

    def told(self, kind):
        return [json.loads(line) for line in self.cli("--json", "events", "--kind", kind).stdout.splitlines()]

    def until(self, claim, what):
        deadline = time.monotonic() + PATIENCE
        while not claim():
            holds(time.monotonic() < deadline, f"not within {PATIENCE} s: {what}\n{self.log()[-3000:]}{self.ended()}")
            time.sleep(0.1)


def it_is_left_alone_and_looked_at_again():
    with Mocked("@every 1s") as place, place.daemon() as daemon:
        place.until(lambda: "skipped" in place.ended(), "it is left alone")
        contains(place.log(), "shop/staging is left alone, so that it can sleep")
        first = place.ended().index("skipped")
        equal(set(place.ended()[:first]), {"ok"}, "before")
        holds("ok" in place.ended("persist_pg_stat_statements"), "a snapshot on the way")
        place.until(lambda: place.ended().count("skipped") >= first + 2, "it stays alone")
        place.endpoint("2099-01-01T00:00:00Z")  # somebody else has come, which the next worker reads
        place.write(place.more + "# anew\n")
        daemon.send_signal(signal.SIGHUP)
        before = len(place.ended())
        place.until(lambda: "ok" in place.ended()[before:], "it is looked at again")


def not_before_a_last_snapshot_and_not_where_it_is_to_be_kept_awake():
    with Mocked("0 3 29 2 *") as place, place.daemon():
        place.until(lambda: len(place.ended()) >= 5, "five rounds")
        equal((set(place.ended()), place.ended("persist_pg_stat_statements")), ({"ok"}, []), "no snapshot was taken yet")
    with Mocked("@every 1s", wake=True) as place, place.daemon():
        place.until(lambda: len(place.ended()) >= 5, "five rounds")
        equal(set(place.ended()), {"ok"}, "the manifest says so")


def what_it_costs_is_counted_and_has_a_budget():
    """The server started long ago and its timeout is a second: what schedules look at is awake for them alone. Once those
    minutes are used up only a person looks, or a schedule beside somebody else."""
    with Mocked("0 3 29 2 *", wake=True, budget=1) as place:
        midnight = int(time.time()) // 86400 * 86400
        if time.time() - midnight > 86400 - 3 * PATIENCE:
            skip("a day of UTC ends soon, and with it what is counted")
        with place.daemon() as daemon:
            place.until(lambda: place.told("awake.spent"), "a minute is used up")
            place.until(lambda: "skipped" in place.ended(), "what comes then is held back")
            first = place.ended().index("skipped")
            equal(set(place.ended()[:first]), {"ok"}, "before")
            place.until(lambda: place.ended()[first:].count("skipped") >= 3, "it stays so")
            spent = place.told("awake.spent")
            equal((len(spent), spent[0]["payload"]["budget_min"], spent[0]["branch"]), (1, 1, "staging"), "told once")
            holds(1 <= spent[0]["payload"]["used_min"] < 3, f"what was used {spent}")
            place.until(lambda: "1 minutes a day that monitoring may keep" in place.cli("alerts").stdout, "an alert")
            why = [r["payload"].get("error_message") for r in place.told("run.ended") if r["payload"]["status"] == "skipped"]
            contains(why[-1], "the 1 minutes a day that schedules may keep shop/staging awake are used up, and nobody else is there")
            place.run("collect_pg_stat_statements_info")  # a person's own look
            daemon.terminate()
            daemon.wait()
        counted = answer(place, "SELECT sum(awake_seconds) AS s FROM tool_runs WHERE actor_kind = 'schedule'")[0]["s"]
        holds(60 <= counted < 180, f"what the runs say {counted}")
        with place.daemon() as daemon:  # the state remembers
            before = len(place.ended())
            place.until(lambda: len(place.ended()) >= before + 2, "another daemon")
            now = set(place.ended()[before:]) - {"crashed"}  # as the one is called that the first daemon's end cut off
            equal(now, {"skipped"}, "of the same day")
            place.endpoint("2099-01-01T00:00:00Z")  # somebody else has come, which the next worker reads
            place.write(place.more + "# anew\n")
            daemon.send_signal(signal.SIGHUP)
            before = len(place.ended())
            place.until(lambda: "ok" in place.ended()[before:], "beside somebody else it costs nothing")


def others_active(place, role, here):
    """What the statement says of others, of those in the database alone and the server's own."""
    text = "".join(line for line in (ROOT / "sql" / "host" / "others.sql").read_text().splitlines(True) if not line.startswith("--"))
    whose = f"(SELECT * FROM pg_stat_activity WHERE datname = '{place.database}' OR datid IS NULL AND usesysid = 10"
    where = f"{whose} AND backend_type IS DISTINCT FROM 'walsender')"  # other suites may take base backups
    text = text.replace("pg_stat_activity a", f"{where} a").replace(":ours", "'lbops'").strip()
    holds(where in text, text)
    said = place.psql(text=f"SET ROLE {role};\nSELECT CASE WHEN others_at IS NULL THEN 'nobody' WHEN others_at < now() THEN 'before'"
                           f" ELSE 'now' END FROM ({text}) said")
    equal(said, here, f"as {role}")


def one_who_may_see_little_leaves_nobody_alone(version):
    with Given(version) as place:
        weak, busy = f"weak_{place.database}", f"busy_{place.database}"
        place.at_server(f"CREATE ROLE {weak}; CREATE ROLE {busy} LOGIN")
        try:
            others_active(place, weak, "nobody")
            others_active(place, "postgres", "nobody")
            url = place.url().replace("postgres@", f"{busy}@", 1)
            with subprocess.Popen(["psql", "-XAtq", "-d", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
                other.stdin.write("SET application_name = 'lbops/vacuum';\n\\echo there\n")
                other.stdin.flush()
                equal(other.stdout.readline(), "there\n", "a session")
                others_active(place, weak, "nobody")  # it is ours
                other.stdin.write("SET application_name = 'shop';\n\\echo named\n")
                other.stdin.flush()
                equal(other.stdout.readline(), "named\n", "a name")
                others_active(place, weak, "now")  # since when it idles is not for this role to see
                others_active(place, "postgres", "before")
                other.stdin.close()
                other.wait()
        finally:
            place.at_server(f"DROP ROLE {weak}")
            place.at_server(f"DROP ROLE {busy}")


suite(what_it_costs_is_counted_and_has_a_budget, it_is_left_alone_and_looked_at_again, not_before_a_last_snapshot_and_not_where_it_is_to_be_kept_awake,
      *each_version(one_who_may_see_little_leaves_nobody_alone), at_once=2)
