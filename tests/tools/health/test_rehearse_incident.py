"""rehearse_incident: each kind is noticed, its true cause stands first, it is ended, and nothing of it is left; where nothing
is planted nothing is found, and the branch that it was made from is as it was."""

import time

from incident_place import Bed, Ward
from place import Local, contains, each_version, equal, holds, suite, target

TARGETS = (("production", "production"), ("perf-*", "throwaway"))
QUICK = """
[agents.health]
tools = ["rehearse_incident", "incident_on_branch", "diagnose_root_cause", "execute_low_risk_sop", "terminate_idle_connections"]
[agents.health.tool.diagnose_root_cause]
params = { min_wait_s = 0.05, min_idle_s = 0.05, min_dead_rows = 1000, min_table_mb = 0, warm_up_min = 0, min_slot_mb = 8 }
[agents.health.tool.terminate_idle_connections]
params = { max_idle_min = 0.001, max_share = 1, min_round = 1000 }
"""
SMALL = {"row_count": 20000, "wal_mb": 16, "look_every_s": 0.2, "hold_s": 40}
CAUSES = {"blocker": "lock_chain", "idle_in_transaction": "idle_in_transaction", "dead_rows": "dead_tuples of rehearsed.incident",
          "stuck_slot": "stuck_slot of rehearsed", "full_connections": "connection_storm of server"}
SEEN = """SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema') ORDER BY 1, 2;
          SELECT rolname FROM pg_roles ORDER BY 1; SELECT slot_name FROM pg_replication_slots;
          SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'rehearsed%'; SELECT * FROM shop"""


def rehearsal(version):
    return Local(version, targets=TARGETS, more=QUICK)


def stocked(place):
    place.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE TABLE shop (id int PRIMARY KEY); INSERT INTO shop VALUES (1), (2)")
    return place.sql(SEEN)


def until(claim, run):
    """Waits for what a run brings about, and returns it."""
    deadline = time.monotonic() + 60
    while not (found := claim()):
        holds(time.monotonic() < deadline and run.poll() is None, "it has come to that")
        time.sleep(0.1)
    return found


def each_is_found_and_ended(version):
    with rehearsal(version) as place:
        before = stocked(place)
        done = place.run("rehearse_incident", **SMALL)
        result = done["result"]
        rows = {row["kind"]: row for row in result["incidents"]}
        for row in rows.values():
            print(f"  {version}  {row['kind']:20} {row['detected_after_s']}  {row['cause']}  rank {row['rank']}  {row['action']}"
                  f"  {row['resolved_after_s']}  {row['verdict']} {row['why'] or ''}", flush=True)
        equal(set(rows), {*CAUSES, "none"}, "kinds")
        for kind, cause in CAUSES.items():
            row = rows[kind]
            equal((row["verdict"], row["rank"]), ("resolved", 1), f"{row}")
            holds(row["cause"].startswith(cause), f"{row}")
            holds(0 <= row["detected_after_s"] <= row["found_after_s"] <= row["resolved_after_s"] < SMALL["hold_s"], f"{row}")
        calm = rows["none"]
        equal((calm["verdict"], calm["cause"], calm["action"], calm["resolved_after_s"]), ("left in peace", None, None, None), "control")
        equal((result["rehearsed"], result["resolved"], result["people_are_told"]), (5, 5, False), "the whole")
        contains(rows["blocker"]["action"], "end the session at the root", "in a person's place")
        equal(set(place.branches()), {"production"}, "branches afterwards")
        equal(place.sql(SEEN), before, "what it was made from")
        equal(place.approvals(), [], "nobody is asked")
        kept = [(m["metric_name"], m["object_name"]) for m in place.waiting("lakebase_metrics") if "rehearsed" in m["metric_name"]]
        equal(sorted(kept), sorted((f"rehearsed_{what}", kind) for kind in CAUSES for what in ("detection", "resolution")), "history")
        heard = [e["type"] for e in done["events"] if e["type"].split(".")[0] in ("threshold", "issue", "approval")]
        equal(heard, [], "events that people hear of")


def a_plan_makes_nothing(version):
    with rehearsal(version) as place:
        stocked(place)
        planned = place.run("rehearse_incident", plan=True, **SMALL)
        contains(str(planned["result"]["skipped"]), "a plan makes no branch")
        equal(set(place.branches()), {"production"}, "branches of a plan")


def no_other_branch_is_touched(version):
    with rehearsal(version) as place:
        before = stocked(place)
        for branch, said in (("production", "is no branch to throw away"), ("perf-load", "no rehearsal has made this branch")):
            if branch != "production":
                place.cli("target", "create", branch, "--from", "production", "--ttl", "3600s", check=0)
            refused = place.run("incident_on_branch", branch=branch, kind="dead_rows", check=None)
            contains(str(refused), said)
            equal([c for c in refused.get("changes", []) if c.get("executed")], [], f"changes of {branch}")
            equal(place.sql(SEEN, branch=branch), before, f"what is on {branch}")


def what_a_killed_one_left_goes_with_the_next(version):
    with rehearsal(version) as place:
        before = stocked(place)
        mark = lambda: [name for name in place.branches() if name.startswith("perf-incident-")]  # noqa: E731
        words = [w for name, value in {**SMALL, "kind": "idle_in_transaction"}.items() for w in (f"--{name}", str(value))]
        place.write('[agents.health]\ntools = ["rehearse_incident", "incident_on_branch"]\n')  # found after a minute at the earliest
        run = place.start("run", "rehearse_incident", "--branch", "production", *words)
        left = until(mark, run)
        planted = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rehearsed-root' AND state LIKE 'idle in%'"
        until(lambda: place.psql("-c", planted, branch=left[0], check=False) == "1", run)
        run.kill()
        run.wait()
        equal(len(left), 1, "a branch is left")
        deadline, swept = time.monotonic() + 60, []
        while not swept and time.monotonic() < deadline:  # its worker ends as it hears of that
            swept += place.run("rehearse_incident", kind="none", **{**SMALL, "hold_s": 5})["result"].get("swept", [])
        equal([s["branch"] for s in swept], left, "what the next one took away")
        equal(set(place.branches()), {"production"}, "branches afterwards")
        equal(place.sql(SEEN), before, "what it was made from")


def a_server_that_others_share_is_not_filled(version):
    """Branches are databases of one server there. Its superuser's sessions nobody may end, which is said as well."""
    with Ward(version) as ward, Bed(ward) as bed:
        bed.targets += target("shop", "perf-*", "throwaway", True)
        bed.more = QUICK
        bed.is_known()
        for kind in ("stuck_slot", "full_connections"):
            row, = bed.run("rehearse_incident", kind=kind, **SMALL)["result"]["incidents"]
            equal((row["verdict"], row["cause"]), ("not rehearsed", None), f"{row}")
            contains(row["why"], "others have the same server")
        row, = bed.run("rehearse_incident", kind="blocker", **{**SMALL, "hold_s": 2})["result"]["incidents"]
        equal((row["verdict"], row["rank"], row["resolved_after_s"]), ("not resolved", 1, None), f"{row}")
        contains(row["why"], "the session may not be ended: ")
        row, = bed.run("rehearse_incident", kind="dead_rows", **SMALL)["result"]["incidents"]
        equal((row["verdict"], row["rank"]), ("resolved", 1), f"{row}")
        equal(bed.at_server("SELECT count(*) FROM pg_database WHERE datname LIKE 'perf-%'"), "0", "databases afterwards")
        equal(bed.at_server("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rehearsed%'"), "0", "sessions")


suite(*each_version(each_is_found_and_ended, a_plan_makes_nothing, no_other_branch_is_touched, a_server_that_others_share_is_not_filled,
                    what_a_killed_one_left_goes_with_the_next), at_once=2)
