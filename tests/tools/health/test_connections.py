"""monitor_connections and terminate_idle_connections: who is there, who may be ended, and that nobody else is."""

from health_place import Clinic, on_each, radius_of, told
from place import equal, holds, suite

NOW = {"max_idle_min": 0}
OPEN = {"max_idle_min": 60, "max_idle_in_transaction_min": 0.00001}
GATE = '[[gate]]\ntool = "terminate_idle_connections"\ndecision = "ask"\n'


def states_are_counted(version):
    with Clinic(version) as place:
        role = place.role("clerk")
        place.sql("CREATE TABLE t (id int); GRANT ALL ON t TO public")
        idle, holder, worker = place.person(role), place.person(role), place.person(role, "batch")
        holder.say("BEGIN; INSERT INTO t VALUES (1)")
        worker.start("SELECT pg_sleep(600)")
        place.until(f"SELECT state = 'active' FROM pg_stat_activity WHERE pid = {worker.pid}")
        seen = place.run("monitor_connections", max_idle_min=0, idle_in_transaction_warning_s=0)
        result = seen["result"]
        clients = int(place.at_server("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
        holds(abs(result["total_connections"] - clients) <= 2, f"{result} against {clients}")
        holds(result["states"]["idle in transaction"] >= 1 and result["states"]["active"] >= 2, str(result))
        holds(idle.pid in told(seen, "long_idle_details"), "the idle session is named")
        holds(worker.pid not in told(seen, "long_idle_details"), "the working one is not")
        found = {f["evidence"]["pid"]: f for f in result["findings"]}
        equal(found[holder.pid]["kind"], "idle_in_transaction", "kind")
        equal(found[holder.pid]["evidence"]["locks"] >= 1, True, "locks")
        shown = place.cli("run", "monitor_connections", "--max_idle_min", "0").stdout
        holds('"client": "127.0.0.1/32"' in shown, shown)
        rows = {r["metric_name"]: r for r in place.waiting("lakebase_metrics")}
        equal(rows["connection_utilization"]["unit"], "ratio", "unit")
        equal(rows["connections_total"]["metric_value"], result["total_connections"], "what history gets")
        limit = int(place.at_server("SHOW max_connections")) - int(
            place.at_server("SHOW superuser_reserved_connections"))
        equal(result["limit"], limit, "limit")
        equal(round(result["utilization"], 9), round(result["total_connections"] / limit, 9), "utilization")


def only_long_idle_clients_are_ended(version):
    with Clinic(version) as place:
        role, listed = place.role("clerk"), place.role("Boss Role")
        super_role, copier = place.role("root", "LOGIN SUPERUSER REPLICATION"), place.role("copier", "LOGIN REPLICATION")
        place.sql("CREATE TABLE t (id int); GRANT ALL ON t TO public")
        idle, quoted = place.person(role), place.person(role, "it's \"odd\"")
        kept = [place.person(listed), place.person(super_role), place.person(copier), place.person(role, "pg_dump"),
                place.person(role, "lbops/other")]
        holder, worker = place.person(role, "batch"), place.person(role, "batch")
        holder.say("BEGIN; INSERT INTO t VALUES (1)")
        worker.start("SELECT pg_sleep(600)")
        place.until(f"SELECT state = 'active' FROM pg_stat_activity WHERE pid = {worker.pid}")
        wishes = dict(NOW, keep_users=[listed[:8] + "*"], min_round=100, users=place.roles)
        planned = place.run("terminate_idle_connections", plan=True, **wishes)
        equal([c["executed"] for c in planned["changes"]], [False] * len(planned["changes"]), "a plan")
        holds(idle.lives() and quoted.lives(), "a plan ends nobody")
        done = place.run("terminate_idle_connections", **wishes)
        ended = set(told(done, "terminated"))
        holds({idle.pid, quoted.pid} <= ended, f"ended {ended}")
        equal((idle.lives(), quoted.lives()), (False, False), "they are gone")
        equal([p.lives() for p in [*kept, holder, worker]], [True] * 7, "the others are there")
        reasons = {pid: item["reason"] for pid, item in told(done, "kept").items()}
        equal([reasons[p.pid] for p in kept], ["its user is listed", "a superuser", "its role may replicate",
                                               "its application is listed", "our own session"], "reasons")
        equal(done["result"]["sessions_terminated"], len(ended), "how many")
        events = [e["payload"]["pids"] for e in done["events"] if e["type"] == "self_heal.executed"]
        equal([sorted(p) for p in events], [sorted(ended)], "told")
        audits = [r for r in place.waiting("audit_log") if r["phase"] == "outcome"]
        equal({r["outcome"] for r in audits}, {"applied"}, "audited")
        again = place.run("terminate_idle_connections", **wishes)
        holds(not {p.pid for p in place.people} & set(told(again, "terminated")), "nobody is left to end")


def the_limit_counts(version):
    with Clinic(version) as place:
        person = place.person(place.role("clerk"))
        done = place.run("terminate_idle_connections", users=place.roles)
        holds(person.lives() and person.pid not in told(done, "terminated"), "30 minutes are not over")


def open_transactions_have_their_own_limit(version):
    with Clinic(version) as place:
        role = place.role("clerk")
        place.sql("CREATE TABLE t (id int); GRANT ALL ON t TO public")
        idle, holder = place.person(role), place.person(role)
        holder.say("BEGIN; INSERT INTO t VALUES (1)")
        done = place.run("terminate_idle_connections", max_idle_min=60, max_idle_in_transaction_min=0.00001,
                         users=[role])
        holds(holder.pid in told(done, "terminated"), str(done["result"]))
        equal((holder.lives(), idle.lives()), (False, True), "only the transaction goes")
        equal(place.sql("SELECT count(*) FROM t"), "0", "it is rolled back")


def a_round_ends_only_a_share(version):
    with Clinic(version) as place:
        role = place.role("pool")
        people = [place.person(role) for _ in range(4)]
        done = place.run("terminate_idle_connections", min_round=1, max_share=0.5, pool_floor=0, users=[role], **NOW)
        mine = [p.pid for p in people]
        ended = [pid for pid in mine if pid in told(done, "terminated")]
        equal(ended, mine[:2], "half of them, those that idle the longest first")
        equal([told(done, "kept")[pid]["reason"] for pid in mine[2:]], ["left for the next round"] * 2, "the rest")
        equal([p.lives() for p in people], [False, False, True, True], "who is there")


def a_pool_keeps_its_floor(version):
    """The youngest of its idle ones, round after round; those at work do not count. Two are no pool, nor are people."""
    with Clinic(version) as place:
        role = place.role("web")
        worker = place.person(role)
        worker.start("SELECT pg_sleep(600)")
        place.until(f"SELECT state = 'active' FROM pg_stat_activity WHERE pid = {worker.pid}")
        pool = [place.person(role) for _ in range(5)]
        others = [place.person(role, name) for name in ("cron", "cron", "psql", "psql", "psql", "pgAdmin 4 - CONN:1",
                                                        "pgAdmin 4 - CONN:1", "pgAdmin 4 - CONN:1")]
        wishes = dict(NOW, min_round=100, users=[role])
        done = place.run("terminate_idle_connections", **wishes)
        equal([p.lives() for p in [*pool, worker]], [False, False, True, True, True, True], "three that idle stay")
        equal([p.lives() for p in others], [False] * 8, "all of the others go")
        reasons = [told(done, "kept")[p.pid]["reason"] for p in pool[2:]]
        equal((reasons, done["result"]["kept_by_pools"]), (["its pool of 6 keeps 3 that idle"] * 3, 3), "reasons")
        again = place.run("terminate_idle_connections", **wishes)["result"]
        equal((again["sessions_terminated"], again["kept_by_pools"]), (0, 3), "they stay")
        place.run("terminate_idle_connections", pool_floor=4, people_applications=["app"], **wishes)
        equal([p.lives() for p in [*pool, worker]], [False] * 5 + [True], "of people's any number is no pool")


def a_pool_that_has_become_smaller_keeps_what_is_left(version):
    """Two of five were to go; by the time a person says yes two others have gone by themselves."""
    with Clinic(version, more=GATE) as place:
        role = place.role("web")
        pool = [place.person(role) for _ in range(5)]
        asked = place.run("terminate_idle_connections", check=3, min_round=100, users=[role], **NOW)
        equal([told(asked, "kept")[p.pid]["reason"] for p in pool[:2]], ["waits for a person"] * 2, "two are asked about")
        for person in pool[3:]:
            person.leave()
        place.until(f"SELECT count(*) = 3 FROM pg_stat_activity WHERE usename = '{role}'")
        for request in place.approvals():
            if role in request["title"]:
                place.approve(request["id"], check=None)
        equal([p.lives() for p in pool[:3]], [True] * 3, "three that idle stay")


def open_transactions_count_for_no_pool(version):
    with Clinic(version) as place:
        role = place.role("web")
        people = [place.person(role) for _ in range(4)]
        people[0].say("BEGIN; SELECT txid_current()")
        done = place.run("terminate_idle_connections", max_idle_in_transaction_min=0.00001, min_round=100, users=[role], **NOW)
        equal([p.lives() for p in people], [False, True, True, True], str(done["result"]))


def a_session_that_wakes_up_survives(version):
    """What was decided waits for a person; meanwhile one session works again, and one is another by the same rules."""
    with Clinic(version, more=GATE) as place:
        role = place.role("clerk")
        waking, sleeping = place.person(role), place.person(role)
        asked = place.run("terminate_idle_connections", check=3, users=[role], **NOW)
        pids = told(asked, "kept")
        equal([pids[p.pid]["reason"] for p in (waking, sleeping)], ["waits for a person"] * 2, "both are asked about")
        waking.say("SELECT 1")
        mine = {f"end session {p.pid} of {role}": p for p in (waking, sleeping)}
        for request in place.approvals():
            if request["title"] in mine:
                place.approve(request["id"], check=None)
        equal((waking.lives(), sleeping.lives()), (True, False), "the one that woke up is there")


def what_goes_with_a_session_is_said(version):
    """A statement that ran for a second before it came to the lock has waited since it came there, not since it began."""
    with Clinic(version, more=GATE) as place:
        role = place.role("clerk")
        place.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1); GRANT ALL ON t TO public")
        holder, waiter = place.person(role), place.person(role)
        holder.say("BEGIN; UPDATE t SET id = 2")
        waiter.start("DO $$ BEGIN PERFORM pg_sleep(1); UPDATE t SET id = 3; END $$")
        wait = f"FROM pg_locks l, pg_stat_activity a WHERE l.pid = {waiter.pid} AND NOT l.granted AND a.pid = {holder.pid}"
        place.until(f"SELECT count(l.waitstart) = 1 {wait}")
        place.run("terminate_idle_connections", check=3, users=[role], **OPEN)
        asked = next(a for a in place.approvals() if str(holder.pid) in a["title"])
        radius, why = radius_of(asked)
        equal((radius["holds"], radius["waiters"], radius["has_written"], why), ("RowExclusiveLock on t", 1, True, None), "what it holds")
        equal([name for name in radius if "wal" in name], [], "nobody knows how much it wrote")
        ages = radius["not_compared"]
        came = float(place.at_server(f"SELECT extract(epoch FROM l.waitstart - a.xact_start) {wait}"))
        holds(abs(ages["transaction_s"] - ages["longest_wait_s"] - came) < 0.5, f"waits since it waits: {ages}, {came}")
        place.cli("deny", asked["id"], "--as", "anna", "--because", "it is the payroll", check=0)
        place.until(f"SELECT clock_timestamp() - l.waitstart > 2 * interval '{ages['transaction_s']} s' {wait}")
        place.run("terminate_idle_connections", check=None, users=[role], **OPEN)
        equal([a["id"] for a in place.approvals() if str(holder.pid) in a["title"] and a["status"] == "pending"], [], "a no holds")
        holds(holder.lives(), "it is there")


def what_goes_with_a_session_may_be_unknown(version):
    """Who waits may be asked by nobody but the owner: that is said to whoever decides, and the session can be ended."""
    with Clinic(version, more=GATE) as place:
        role = place.role("clerk")
        place.sql("CREATE TABLE t (id int); GRANT ALL ON t TO public;"
                  " REVOKE EXECUTE ON FUNCTION pg_blocking_pids(int) FROM public")
        holder = place.person(role)
        holder.say("BEGIN; INSERT INTO t VALUES (1)")
        place.be(place.role("keeper", "LOGIN IN ROLE pg_monitor, pg_signal_backend"))
        done = place.run("terminate_idle_connections", check=3, users=[role], **OPEN)
        equal(done["result"].get("skipped", []), [], "nobody is passed over")
        asked = next(a for a in place.approvals() if str(holder.pid) in a["title"])
        radius, why = radius_of(asked)
        holds(radius is None and "pg_blocking_pids" in why, f"{radius}: {why}")
        place.approve(asked["id"])
        holds(not holder.lives(), "ended")


def a_weak_role_is_told_what_it_cannot_see_or_do(version):
    with Clinic(version) as place:
        weak, other = place.role("weak"), place.role("other")
        idle, own = place.person(other), place.person(weak)
        place.be(weak)
        seen = place.run("monitor_connections", max_idle_min=0)
        holds(any("pg_monitor" in s["reason"] for s in seen["result"]["skipped"]), str(seen["result"]["skipped"]))
        holds(own.pid in told(seen, "long_idle_details"), "its own it sees")
        done = place.run("terminate_idle_connections", users=place.roles, **NOW)
        equal((own.lives(), idle.lives()), (False, True), "it ends what is its own")
        place.at_server(f'GRANT pg_monitor TO "{weak}"')
        done = place.run("terminate_idle_connections", users=place.roles, **NOW)
        refused = [s for s in done["result"]["skipped"] if s["object"] == f"session {idle.pid}"]
        holds(refused and "pg_signal_backend" in refused[0]["reason"], str(done["result"]["skipped"]))
        holds(idle.lives(), "it is there")
        place.at_server(f'GRANT pg_signal_backend TO "{weak}"')
        place.run("terminate_idle_connections", users=place.roles, **NOW)
        equal(idle.lives(), False, "with both roles it can")


def wrong_input_is_refused(version):
    with Clinic(version) as place:
        for wrong in ({"max_idle_min": -1}, {"max_share": 2}, {"min_round": 0}, {"pool_floor": -1}):
            equal(place.run("terminate_idle_connections", check=2, **wrong).get("result"), None, str(wrong))
        role = place.role("clerk")
        error = place.run("terminate_idle_connections", check=1, users=[role, role + "x", "nobody*"])["error"]
        equal((error["code"], error["message"]), ("invalid", f"users: the server has no role '{role}x'"), "a role that is not there")
        holds("roles that may log in: " in error["hint"], error["hint"])
        place.run("terminate_idle_connections", users=["nobody of that name*"])


suite(*on_each(states_are_counted, only_long_idle_clients_are_ended, the_limit_counts,
                    open_transactions_have_their_own_limit, a_round_ends_only_a_share,
                    a_pool_keeps_its_floor, a_pool_that_has_become_smaller_keeps_what_is_left, open_transactions_count_for_no_pool,
                    a_session_that_wakes_up_survives, what_goes_with_a_session_is_said,
                    what_goes_with_a_session_may_be_unknown, a_weak_role_is_told_what_it_cannot_see_or_do,
                    wrong_input_is_refused))
