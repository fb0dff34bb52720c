"""auto_tune_resource_parameters on real servers: a plan with reasons, set once a person agrees, and taken back."""

import datetime
import subprocess
import time

from place import Given, contains, each_version, equal, holds, suite
from planted import KEEPS, metric, plant
from upkeep import Private
from ward import Ward

TOOL = "auto_tune_resource_parameters"


def settings(place):
    found = place.sql("SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
                      " WHERE d.datname = current_database() AND s.setrole = 0")
    return dict(line.split("=", 1) for line in found.splitlines())


def asks_for_each_setting_and_sets_it(version):
    with Given(version) as place:
        place.sql(f"ALTER DATABASE {place.database} SET maintenance_work_mem = '20MB'")
        planned = place.run(TOOL, plan=True, min_hours=0, memory_mb=16_000)
        equal(settings(place), {"maintenance_work_mem": "20MB"}, "a plan changes nothing")
        document = place.run(TOOL, check=3, min_hours=0, memory_mb=16_000)
        wanted = {r["setting"]: r for r in document["result"]["recommendations"]}
        equal(wanted["maintenance_work_mem"]["wanted"], "1000MB", "a sixteenth")
        equal(wanted["effective_cache_size"]["wanted"], "12000MB", "three quarters")
        equal(wanted["idle_in_transaction_session_timeout"]["wanted"], "60s", "idle")
        holds(all(r["reason"] and r["status"] == "waiting" for r in wanted.values()), wanted)
        equal(len(planned["changes"]), len(document["changes"]), "plan and run")
        request = next(a for a in place.approvals() if "maintenance_work_mem" in str(a["plan"]))
        place.approve(request["id"])
        equal(settings(place), {"maintenance_work_mem": "1000MB"}, "what was approved")
        equal(place.sql("SHOW maintenance_work_mem"), "1000MB", "a new session")
        again = place.run(TOOL, plan=True, min_hours=0, memory_mb=16_000)["result"]["recommendations"]
        equal([r for r in again if r["setting"] == "maintenance_work_mem"], [], "it is fine now")
        undo = [r["undo"] for r in place.waiting("audit_log") if "maintenance_work_mem" in r["statement"]][0]
        place.sql(undo)
        equal(settings(place), {"maintenance_work_mem": "20MB"}, "after the undo")


def advises_on_timeouts_without_setting_one(version):
    with Given(version) as place:
        def advice(**params):
            document = place.run(TOOL, plan=True, min_hours=0, **params)
            holds(not any("_timeout TO" in c["statement"] and "idle_in" not in c["statement"] for c in document["changes"]),
                  f"changes: {document['changes']}")
            return {t["setting"]: (t["now"], t["wanted"]) for t in document["result"].get("timeouts", [])}
        newer = {"transaction_timeout": ("0ms", "5min")} if version >= 17 else {}
        equal(advice(workload_profile="oltp"), {"statement_timeout": ("0ms", "60s"), "lock_timeout": ("0ms", "5s"), **newer}, "oltp")
        equal(advice(workload_profile="analytics"), {"statement_timeout": ("0ms", "2h"), "lock_timeout": ("0ms", "5s")}, "analytics")
        place.sql(f"ALTER DATABASE {place.database} SET statement_timeout = '45s'")
        equal("statement_timeout" in advice(workload_profile="oltp"), False, "somebody has decided")


def scans_without_an_index_are_no_reports(version):
    """Lookups that lack their index read as many rows as reports do, and are taken for none."""
    def profile(place, min_hours=0):
        result = place.run(TOOL, plan=True, min_hours=min_hours)["result"]
        advised = {r["setting"] for r in result.get("recommendations", []) + result.get("timeouts", [])}
        return result["workload_profile"], advised, str(result.get("skipped"))
    bound = {"statement_timeout", "transaction_timeout", "default_statistics_target", "jit"}
    with Given(version) as place:
        place.sql("CREATE TABLE t (id int PRIMARY KEY, k int) WITH (autovacuum_enabled = off);"
                  "INSERT INTO t SELECT i, i FROM generate_series(1, 200000) i; VACUUM ANALYZE t")
        place.sql("SELECT pg_stat_reset()")
        place.sql("SET max_parallel_workers_per_gather = 0;" + "SELECT id FROM t WHERE k = 7;" * 40)
        name, advised, why = profile(place)
        equal((name, advised & bound), ("unknown", set()), "scans of all of it")
        contains(why, "sequential scans")
        name, advised, why = profile(place, min_hours=10_000)
        equal((name, advised & bound), ("unknown", set()), "too early to tell")
        contains(why, "workload_profile", "too little time")
        place.sql("SELECT pg_stat_reset()")
        place.sql("SET enable_seqscan = off; SET enable_bitmapscan = off;" + "SELECT count(k) FROM t WHERE id > 0;" * 20)
        name, advised, _ = profile(place)
        equal(name, "analytics", "an index leads to each of many rows")
        holds("statement_timeout" in advised, advised)


def says_what_it_cannot_know(version):
    with Given(version) as place:
        result = place.run(TOOL, min_hours=10_000)["result"]
        contains(str(result["skipped"]), "the counters cover")
        equal(result.get("recommendations", []), [], "too early")
        result = place.run(TOOL, plan=True, min_hours=0)["result"]
        contains(str(result["skipped"]), "memory of the compute is not known")
        holds("effective_cache_size" not in [r["setting"] for r in result["recommendations"]], result)
        place.run(TOOL, check=2, workload_profile="holiday")


def a_role_without_rights_gets_advice(version):
    with Given(version) as place:
        role = place.database + "_r"
        place.sql(f"CREATE ROLE {role} LOGIN")
        try:
            url = place.url().replace("postgres@", f"{role}@")
            done = place.cli("--json", "run", TOOL, "--dsn", url, "--min_hours", "0", check=0)
            contains(done.stdout, '"status":"advice"', "not ours to set")
            own = place.run(TOOL, plan=True, min_hours=0, role=role)
            contains(str(own["changes"]), f"ALTER ROLE {role} IN DATABASE {place.database} SET")
        finally:
            place.sql(f"DROP ROLE {role}")


def a_role_is_set_by_whoever_may(version):
    """What the tool says is ours to set, is what the server lets one set; the rest is advice, not a failure."""
    with Given(version) as place:
        weak, other = place.database + "_w", place.database + "_o"
        env = {f"LBOPS_TEST_PG{version}": place.server.replace("//postgres@", f"//{weak}@")}
        url = place.url().replace("postgres@", f"{weak}@")
        place.sql(f"CREATE ROLE {weak} LOGIN; CREATE ROLE {other}; GRANT {other} TO {weak}")

        def statuses(role):
            wanted = place.run(TOOL, plan=True, min_hours=0, memory_mb=16_000, role=role, env=env)["result"]["recommendations"]
            said = {r["status"] for r in wanted if r["context"] == "user"}
            done = subprocess.run(["psql", "-XAtq", "-d", url, "-c", f"ALTER ROLE {role} IN DATABASE {place.database} SET work_mem = '5MB'"],
                                  capture_output=True, text=True, check=False)
            equal(said, {"planned" if done.returncode == 0 else "advice"}, f"{role}, of which the server says: {done.stderr}")
            return said
        try:
            equal(statuses(weak), {"planned"}, "its own")
            equal(statuses(other), {"advice"}, "one that it is a member of")
            equal(statuses("postgres"), {"advice"}, "a superuser's")
            done = place.run(TOOL, min_hours=0, memory_mb=16_000, role=other, env=env)
            equal(done["changes"], [], "what it tried to do")
            place.sql(f"GRANT ALTER SYSTEM ON PARAMETER work_mem, maintenance_work_mem, effective_cache_size TO {weak}")
            equal(statuses(other), {"advice"}, "what was wanted for one role is not given to all")
            place.sql(f"ALTER ROLE {weak} CREATEROLE")
            equal(statuses(other), {"planned"} if version < 16 else {"advice"}, "who makes roles")
            place.sql(f"GRANT {other} TO {weak} WITH ADMIN OPTION")
            equal(statuses(other), {"planned"}, "with ADMIN OPTION")
            equal(statuses("postgres"), {"advice"}, "a superuser's, still")
            place.sql(f"ALTER ROLE {weak} NOCREATEROLE")
            equal(statuses(other), {"advice"}, "ADMIN OPTION alone")
            gone = place.run(TOOL, plan=True, check=1, min_hours=0, role=other + "_x", env=env)
            contains(gone["error"]["message"], f"there is no role {other}_x")
        finally:
            place.sql(f"DROP OWNED BY {weak}; DROP ROLE {weak}; DROP ROLE {other}")


SPILL = "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT md5(i::text) FROM generate_series(1, 20000) i ORDER BY 1) s"


def noted(place, at, requested, files=0, active=1, wal=64e6, epoch=None):
    """One reading of monitor_system_health, as history keeps it: of checkpoints, with so much WAL for each that was asked for
    or forced, files of 100 MB, and what was busy."""
    plant(place, "lakebase_metrics", [metric("checkpoints_requested", at, requested, epoch=epoch), metric("checkpoints_timed", at, 100),
                                      *([metric("wal_bytes", at, requested * wal)] if wal is not None else []),
                                      metric("temp_files", at, files), metric("temp_bytes", at, files * 100e6),
                                      metric("connections_active", at, active)])


def judged(place, *names, plan=False):
    """What is proposed for settings whose evidence is history, and why others of them are not judged."""
    result = place.run(TOOL, plan=plan, check=0 if plan else 3, min_hours=0, memory_mb=16_000)["result"]
    return ({r["setting"]: r["wanted"] for r in result.get("recommendations", []) if r["setting"] in names},
            {s["object"]: s["reason"] for s in result.get("skipped", []) if s["object"] in names})


def carried_out(place, name):
    place.approve(next(a["id"] for a in place.approvals() if a["status"] == "pending" and f" SET {name} TO" in str(a["plan"])))


def until(holds_now, what):
    deadline = time.monotonic() + 60
    while not holds_now():
        holds(time.monotonic() < deadline, what)
        time.sleep(0.05)


def what_was_counted_before_a_change_proposes_nothing(version):
    """Real checkpoints and files are there all along; what is proposed, once and once more, is what history has counted since."""
    names, hour = ("max_wal_size", "work_mem"), datetime.timedelta(hours=1)
    with Ward(version) as ward, Private(ward, more=KEEPS) as place:
        place.sql(f"ALTER DATABASE {place.database} SET work_mem = '64kB'")
        for _ in range(12):
            place.sql("CHECKPOINT")
        place.sql(SPILL + "; SELECT pg_stat_force_next_flush()")
        wanted, why = judged(place, *names)
        equal(wanted, {}, "with no history")
        holds(sorted(why) == sorted(names) and all("not enough data: " in w for w in why.values()), why)
        start = datetime.datetime.now(datetime.timezone.utc)
        noted(place, start, requested=50, files=1000, active=40)
        noted(place, start + 2 * hour, requested=100, files=1200)
        wanted, why = judged(place, *names)
        equal((wanted, why), ({"max_wal_size": "64MB", "work_mem": "100MB"}, {}), "with forty at once at the busiest moment")
        for name in names:
            carried_out(place, name)
        until(lambda: [place.sql(f"SHOW {name}") for name in names] == ["64MB", "100MB"], "what was approved is in force")
        wanted, why = judged(place, *names)
        equal(wanted, {}, "of the same evidence")
        holds(sorted(why) == sorted(names) and all("not enough data: " in w for w in why.values()), why)
        later = datetime.datetime.now(datetime.timezone.utc) + 3 * hour
        noted(place, later, requested=100, files=1200)
        noted(place, later + hour, requested=120, files=1400)
        wanted, why = judged(place, *names, plan=True)
        equal((wanted, why), ({"max_wal_size": "128MB"}, {}), "once more are forced; files of that size have room now")


def checkpoints_by_hand_propose_nothing(version):
    """CHECKPOINT counts like one that WAL has forced, and no max_wal_size would have spared it."""
    name, hour = "max_wal_size", datetime.timedelta(hours=1)
    view, counter = ("pg_stat_bgwriter", "checkpoints_req") if version < 17 else ("pg_stat_checkpointer", "num_requested")

    def with_wal(ward, wal, epochs=("a", "a")):
        with Private(ward, more=KEEPS) as place:
            start = datetime.datetime.now(datetime.timezone.utc)
            noted(place, start, requested=50, wal=wal, epoch=epochs[0])
            noted(place, start + 2 * hour, requested=100, wal=wal, epoch=epochs[1])
            return judged(place, name, plan=True)
    with Ward(version) as ward:
        with Private(ward, more=KEEPS) as place:
            place.run("monitor_system_health")
            first = {m["metric_name"]: m.get("epoch") for m in place.waiting("lakebase_metrics")}
            holds(first["checkpoints_requested"] and first["wal_bytes"] and not first.get("connections_active"), f"epochs {first}")
            for _ in range(30):
                place.sql("CHECKPOINT")
            until(lambda: int(place.sql(f"SELECT {counter} FROM {view}")) >= 30, "the server has counted them")
            place.run("monitor_system_health")
            equal(judged(place, name, plan=True), ({}, {}), "thirty that somebody asked for")
        equal(with_wal(ward, 1e6), ({}, {}), "with 1 MB for each")
        equal(with_wal(ward, 17e6), ({name: "64MB"}, {}), "with half of max_wal_size for each")
        equal(with_wal(ward, 17e6, ("a", "b")), ({}, {}), "counted anew in between: how many there were nobody knows")
        wanted, why = with_wal(ward, None)
        equal((wanted, "not enough data: " in why[name]), ({}, True), "where nobody has noted how much WAL there was")


suite(*each_version(scans_without_an_index_are_no_reports, advises_on_timeouts_without_setting_one, asks_for_each_setting_and_sets_it, says_what_it_cannot_know, a_role_without_rights_gets_advice,
                    a_role_is_set_by_whoever_may, what_was_counted_before_a_change_proposes_nothing,
                    checkpoints_by_hand_propose_nothing),
      at_once=3)
