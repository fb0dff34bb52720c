"""execute_low_risk_sop: what is done about each alert, on servers that have it, and whether it helped."""

import datetime
import json
import re

from alert_place import People, services
from health_place import Clinic, memory, on_each, told
from place import equal, holds, suite
from planted import plant
from receivers import Web
from threshold_place import QUICK, judge


def do(place, issue, **more):
    return place.run("execute_low_risk_sop", issue_type=issue, **more)


def dead_rows_are_vacuumed(version):
    with Clinic(version) as place:
        place.sql('CREATE SCHEMA "Odd S"; CREATE TABLE "Odd S"."T ""1""" (id int) WITH (autovacuum_enabled = off);'
                  ' INSERT INTO "Odd S"."T ""1""" SELECT generate_series(1, 1000); ANALYZE;'
                  ' DELETE FROM "Odd S"."T ""1""" WHERE id <= 500; SELECT pg_stat_force_next_flush()')
        planned = do(place, "dead_tuple_ratio", plan=True)
        equal([c["executed"] for c in planned["changes"]], [False], "a plan")
        done = do(place, "dead_tuple_ratio", value=0.33)["result"]
        equal((done["status"], done["schema"], done["table"]), ("executed", "Odd S", 'T "1"'), str(done))
        holds(0.3 < done["value_before"] < 0.34 and done["value_after"] == 0 and done["verified"], str(done))
        equal(place.sql("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname LIKE 'T%'"), "0", "dead rows")
        kept = place.waiting("vacuum_history")
        equal([(r["schema_name"], r["table_name"], r["status"]) for r in kept], [("Odd S", 'T "1"', "success")], "history")
        again = do(place, "high_dead_tuples")["result"]
        equal((again["status"], again["reason"]), ("nothing_to_do", "no table has dead rows"), "again")
        place.sql('DELETE FROM "Odd S"."T ""1""" WHERE id <= 600; SELECT pg_stat_force_next_flush()')
        held = do(place, "dead_tuple_ratio")["result"]
        equal((held["status"], held["reason"]), ("skipped", "it was done less than an hour ago"), "guard rail")
        equal(do(place, "dead_tuple_ratio", anyway=True)["result"]["verified"], True, "anyway")
        lost = do(place, "dead_tuple_ratio", table="lost", check=1)
        equal((lost["error"]["code"], lost["error"]["message"], bool(lost["error"]["hint"]), lost["changes"]),
              ("not_found", "there is no table public.lost", True, []), "a table that is not there")


def idle_sessions_make_room(version):
    with Clinic(version) as place:
        role = place.role("clerk")
        place.write("[agents.health]\n[agents.health.tool.terminate_idle_connections]\n"
                    f'params = {{ max_idle_min = 0.0001, pool_floor = 0, users = ["{role}"] }}\n')
        people = [place.person(role) for _ in range(3)]
        place.sql("SELECT pg_sleep(0.1)")
        done = do(place, "connection_utilization", value=0.9)
        equal([p.lives() for p in people], [False] * 3, "they are gone")
        result = done["result"]
        holds(result["verified"] and result["value_after"] < result["value_before"] and result["count"] >= 3, str(result))
        equal([e["payload"]["action"] for e in done["events"] if e["payload"].get("issue") == "connection_utilization"],
              ["terminate_idle_connections"], "told")


def nothing_idle_is_said(version):
    with Clinic(version) as place:
        result = do(place, "high_connections")["result"]
        equal((result["status"], result["verified"]), ("nothing_to_do", None), str(result))


def old_rows_are_frozen(version):
    with Clinic(version) as place:
        place.sql("CREATE TABLE old (id int); INSERT INTO old VALUES (1)")
        place.psql(text="".join("SELECT pg_current_xact_id();\n" for _ in range(300)))
        before = int(place.sql("SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'old'"))
        result = do(place, "txid_age", most_tables=1000)["result"]
        after = int(place.sql("SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'old'"))
        holds(before >= 300 and after < before - 200, f"age {before}, then {after}")
        holds(result["value_after"] < result["value_before"], str(result)[:500])
        equal((result["verified"], result["not_verified"]), (None, "it was inside its limit before, too"), "nothing had to go back")


def with_dead_rows(place, table):
    place.sql(f"CREATE TABLE {table} (id int) WITH (autovacuum_enabled = off); INSERT INTO {table} SELECT generate_series(1, 1000)")
    place.sql(f"ANALYZE {table}; DELETE FROM {table} WHERE id <= 500; SELECT pg_stat_force_next_flush()")


def vacuums(place, table):
    return place.sql(f"SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = '{table}'")


def limits_hold_back_changes_until_their_time(version):
    with Clinic(version) as place:
        for table in ("a", "b", "c", "d"):
            with_dead_rows(place, table)
        for table in ("a", "b", "c"):
            equal(do(place, "dead_tuple_ratio", table=table)["result"]["verified"], True, table)
        held = do(place, "dead_tuple_ratio", table="d")["result"]
        equal((held["status"], held["reason"]),
              ("skipped", "three changes within an hour are enough: a person should look"), "the fourth")
        equal(do(place, "cache_hit_ratio")["result"]["status"], "advised", "what changes nothing has no limit")
        waits = place.run("execute_low_risk_sop")["result"]
        equal((waits["status"], waits["again_at"], vacuums(place, "d")), ("nothing_to_do", held["again_at"], "0"), "it waits")
        # An hour goes by: for history, what it has of this one is of an earlier branch of that name.
        plant(place, "branch_lifecycle", [{"event_id": "made", "event_timestamp": datetime.datetime.now(datetime.timezone.utc),
                                           "event_type": "created"}])
        with memory(place, "execute_low_risk_sop") as body:
            for change in body["changes"]:
                change[0] -= 3600 * 1000000
            for owed in body["owed"].values():
                owed["until"] -= 3600 * 1000000
        later = place.run("execute_low_risk_sop")["result"]
        equal((later["status"], later["table"], later["verified"], vacuums(place, "d")), ("executed", "d", True, "1"), "later")
        equal(place.run("execute_low_risk_sop")["result"]["reason"], "nothing is held back", "and once")


def limits_count_what_others_have_run(version):
    with Clinic(version) as place:
        def evaluated(metric, value):
            done = place.run("evaluate_alert_thresholds", metrics={metric: value}, run_sops=True, fire_after=1)
            return done["result"]["sops"][0]["result"]
        with_dead_rows(place, "a")
        equal(do(place, "dead_tuple_ratio", table="a")["result"]["status"], "executed", "by hand")
        place.sql("DELETE FROM a WHERE id <= 900; SELECT pg_stat_force_next_flush()")
        held = evaluated("dead_tuple_ratio", 0.8)
        equal((held["status"], held.get("reason"), vacuums(place, "a")),
              ("skipped", "it was done less than an hour ago", "1"), "and then by an evaluation")
        equal(evaluated("txid_age", 6e8)["status"], "executed", "by an evaluation")
        held = do(place, "txid_age")["result"]
        equal((held["status"], held["reason"]), ("skipped", "it was done less than an hour ago"), "and then by hand")


def what_is_over_by_then_is_not_done(version):
    with Clinic(version) as place:
        with_dead_rows(place, "a")
        do(place, "dead_tuple_ratio", table="a")
        place.sql("DELETE FROM a WHERE id <= 900; SELECT pg_stat_force_next_flush()")
        equal(do(place, "dead_tuple_ratio", table="a")["result"]["status"], "skipped", "once an hour")
        place.sql("VACUUM a")
        with memory(place, "execute_low_risk_sop") as body:
            body["owed"]["dead_tuple_ratio public.a"]["until"] = 0
        over = place.run("execute_low_risk_sop")["result"]
        equal((over["status"], over["reason"], vacuums(place, "a")),
              ("nothing_to_do", "it is over without it", "2"), "somebody else has done it")


def a_vacuum_that_is_passed_over_is_none(version):
    with Clinic(version) as place:
        for table in ("free", "locked"):
            with_dead_rows(place, table)
        role = place.role("clerk", "LOGIN SUPERUSER")
        keeper = place.person(role)
        keeper.say("BEGIN; LOCK TABLE locked IN SHARE MODE")
        passed = do(place, "dead_tuple_ratio", table="locked")["result"]
        equal((passed["status"], passed["reason"], passed["count"], passed["verified"]),
              ("passed_over", f"session {keeper.pid} of {role} locks it", 0, None), "the locked one")
        frozen = do(place, "txid_age", most_tables=1000)["result"]
        states = {t["table"]: t["status"] for t in frozen["tables"]}
        equal((states["free"], states["locked"]), ("success", "deferred"), "each table's own")
        kept = {(r["table_name"], r["operation_type"]): r["status"] for r in place.waiting("vacuum_history")}
        equal((kept["locked", "vacuum_analyze"], kept["locked", "vacuum_freeze"], kept["free", "vacuum_freeze"]),
              ("deferred", "deferred", "success"), "history")
        with_dead_rows(place, "other")
        with memory(place, "execute_low_risk_sop") as body:
            owed = body["owed"]["dead_tuple_ratio public.locked"]
            equal(owed["wait"], 300 * 1000000, "five minutes later")
            body["owed"]["dead_tuple_ratio public.other"] = {**owed, "table": "other", "until": 1}
            owed["until"] = 0
        still = place.run("execute_low_risk_sop")["result"]
        equal((still["status"], still["table"]), ("passed_over", "locked"), "whose time came first")
        other = place.run("execute_low_risk_sop")["result"]
        equal((other["status"], other["table"]), ("executed", "other"), "what cannot be done holds up no other")
        keeper.say("ROLLBACK")
        with memory(place, "execute_low_risk_sop") as body:
            owed = body["owed"]["dead_tuple_ratio public.locked"]
            equal(owed["wait"], 600 * 1000000, "each time after twice as long")
            owed["until"] = 0
        later = place.run("execute_low_risk_sop")["result"]
        equal((later["status"], later["table"], later["verified"]), ("executed", "locked", True), "once it is free")


def what_the_role_may_not_do_was_not_done(version):
    with Clinic(version) as place:
        with_dead_rows(place, "theirs")
        role = place.role("watcher")
        place.at_server(f'GRANT pg_monitor TO "{role}"')
        place.be(role)
        evaluated = place.run("evaluate_alert_thresholds", metrics={"dead_tuple_ratio": 0.8}, run_sops=True, fire_after=1)
        done = evaluated["result"]
        equal((done["sops"][0]["result"]["status"], done["sops_auto_executed"]), ("not_possible", 0), "an evaluation counts it as none")
        told_of = [e["payload"]["done"] for e in evaluated["events"] if e["type"] == "issue.escalated"]
        result = do(place, "dead_tuple_ratio", table="theirs")
        equal((result["changes"], result["result"]["escalated"], place.waiting("vacuum_history")), ([], True, []), "nor does the audit")
        holds("may not vacuum public.theirs" in result["result"]["reason"] and "MAINTAIN" in result["result"]["reason"], str(result["result"]))
        holds(told_of == [f"vacuum: {result['result']['reason']}"], f"a person hears of it: {told_of}")
        equal(place.run("execute_low_risk_sop")["result"]["reason"], "nothing is held back", "it is not tried again and again")
        place.at_server(f'ALTER DATABASE {place.database} OWNER TO "{role}"')
        equal(do(place, "dead_tuple_ratio", table="theirs")["result"]["status"], "executed", "the database's owner may")


def from_17_on_the_right_is_maintain(version):
    """An owner has it until it is revoked, and others once it is granted."""
    if int(version) < 17:
        return
    with Clinic(version) as place:
        role = place.role("keeper")
        place.at_server(f'GRANT pg_monitor TO "{role}"')
        place.sql(f'CREATE TABLE own (id int); ALTER TABLE own OWNER TO "{role}"; REVOKE MAINTAIN ON own FROM "{role}";'
                  f'CREATE TABLE theirs (id int); GRANT MAINTAIN, SELECT ON theirs TO "{role}"')
        place.be(role)
        done = do(place, "txid_age", most_tables=1)
        equal([t["table"] for t in done["result"]["tables"]], ["theirs"], "frozen")


def only_what_the_role_may_freeze_is_frozen(version):
    with Clinic(version) as place:
        role = place.role("keeper")
        place.at_server(f'GRANT pg_monitor TO "{role}"')
        place.sql(f'CREATE TABLE own (id int); ALTER TABLE own OWNER TO "{role}"; CREATE TABLE theirs (id int)')
        place.be(role)
        done = do(place, "txid_age", most_tables=1)
        equal([t["table"] for t in done["result"]["tables"]], ["own"], "the oldest of its own, whatever is older")
        refused = place.run("execute_low_risk_sop", check=1, issue_type="txid_age", table="own")
        holds("is about no table" in refused["error"]["message"], str(refused["error"]))


def a_vacuum_that_is_held_was_one(version):
    with Clinic(version) as place:
        with_dead_rows(place, "kept")
        reader = place.person(place.role("clerk"))
        reader.say("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        place.sql("DELETE FROM kept WHERE id <= 900; SELECT pg_stat_force_next_flush()")
        place.sql("VACUUM kept; DELETE FROM kept WHERE id <= 950; SELECT pg_stat_force_next_flush()")
        done = do(place, "dead_tuple_ratio", table="kept")
        result = done["result"]
        equal((result["status"], result["count"], result["verified"], result["escalated"]), ("executed", 1, False, True), "vain")
        holds(result["reason"] == f"it removed nothing: session pid {reader.pid} holds the rows back", result["reason"])
        equal([e["type"] for e in done["events"] if e["type"] == "vacuum.completed"], [], "nothing is gone")
        kept, = place.waiting("vacuum_history")
        equal((kept["status"], kept["error_message"]), ("held", result["reason"]), "history")
        equal(do(place, "dead_tuple_ratio", table="kept")["result"]["status"], "skipped", "it counts as a change")


def a_lock_chain_is_kept(version):
    with Clinic(version) as place:
        place.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1); GRANT ALL ON t TO public")
        equal(do(place, "lock_wait_time")["result"]["status"], "nothing_to_do", "before")
        role = place.role("clerk")
        root, middle, last = (place.person(role) for _ in range(3))
        root.say("BEGIN; UPDATE t SET id = 1")
        middle.start("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        place.until(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {middle.pid}")
        last.start("SELECT * FROM t")
        place.until(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {last.pid}")
        done = do(place, "lock_wait_time")
        chain = told(done, "chain")
        equal({p: chain[p.pid]["root"] for p in (root, middle, last)}, {root: True, middle: False, last: False}, "roots")
        equal(chain[middle.pid]["blocked_by"], str(root.pid), "who is in front")
        holds(str(middle.pid) in chain[last.pid]["blocked_by"], "the queued exclusive lock holds up the reader")
        equal(all(p.lives() for p in (root, middle, last)), True, "nobody was ended")
        kept = [r for r in place.waiting("lakebase_metrics") if r["metric_name"] == "lock_wait_time"]
        holds(kept and str(root.pid) in str(kept[-1]["detail"]), "history")
        equal(do(place, "deadlocks_per_hour")["result"]["action"], "capture_blocking", "the same for deadlocks")
        root.say("ROLLBACK")


def the_parties_of_a_deadlock_are_kept(version):
    with Clinic(version) as place:
        place.sql("CREATE TABLE pair (id int); INSERT INTO pair VALUES (1), (2); GRANT ALL ON pair TO public")
        role = place.role("clerk")
        one, other, reader = (place.person(role) for _ in range(3))
        reader.say("BEGIN; SELECT * FROM pair")
        one.say("BEGIN; UPDATE pair SET id = id WHERE id = 1")
        other.say("BEGIN; UPDATE pair SET id = id WHERE id = 2")
        one.start("UPDATE pair SET id = id WHERE id = 2")
        place.until(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {one.pid}")
        other.say("UPDATE pair SET id = id WHERE id = 1")
        failed = f"FROM pg_stat_activity WHERE pid IN ({one.pid}, {other.pid}) AND state = 'idle in transaction (aborted)'"
        place.until(f"SELECT count(*) = 1 {failed}")
        victim = int(place.sql(f"SELECT pid {failed}"))
        survivor = {one.pid, other.pid} - {victim}
        done = do(place, "deadlocks_per_hour")
        equal((done["result"]["status"], done["result"]["action"]), ("recorded", "capture_blocking"), "kept")
        writers = {w["pid"]: w for w in done["result"]["writers"]}
        equal({pid: writers[pid]["failed"] for pid in (one.pid, other.pid)}, {victim: True, survivor.pop(): False}, "parties")
        equal([w["tables"] for w in writers.values() if w["pid"] in (one.pid, other.pid) and not w["failed"]], ["pair"], "where")
        equal(reader.pid in writers, False, "who has only read is none")
        kept = next(r for r in place.waiting("lakebase_metrics") if r["metric_name"] == "lock_wait_time")
        holds(str(victim) in json.dumps(kept), f"history: {kept}")
        equal([p.lives() for p in (one, other)], [True, True], "nobody was ended")


def slow_statements_are_queued(version):
    with Clinic(version) as place:
        without = do(place, "slow_query_time", slow_s=100000)["result"]["reason"]
        equal(without, "pg_stat_statements is not in this database, and no statement runs for long", "without")
        place.sql("CREATE EXTENSION pg_stat_statements")
        place.sql("SELECT pg_sleep(0.3)")
        done = do(place, "slow_query_time", slow_s=0.2)["result"]
        holds(done["status"] == "recorded" and done["queued"], str(done))
        # The server has slow statements of other databases, too: ours come first.
        row, = [r for r in place.waiting("query_review_queue") if "pg_sleep" in str(r.get("query"))]
        holds(row["mean_exec_time"] >= 200 and row["status"] == "open", str(row))
        holds('"Node Type": "Result"' in json.dumps(row["plan"]).replace('\\"', '"'), f"its plan: {row}")
        again = do(place, "slow_query_time", slow_s=0.2)["result"]
        queued = [q["queryid"] for q in again.get("queued", [])]
        holds(str(row["queryid"]) not in queued, f"it waits there already: {again}")
        holds(again["status"] == ("recorded" if queued else "nothing_to_do"), str(again))


def all_queued(place):
    """Queues until nothing is left to queue. What waits is committed by a later run."""
    rows = {}
    for _ in range(100):
        status = do(place, "slow_query_time", slow_s=0.2)["result"]["status"]
        rows.update({r["review_id"]: r for r in place.waiting("query_review_queue")})
        if status == "nothing_to_do":
            return rows.values()
    raise AssertionError("there is no end of it")


def what_nobody_wants_to_see_is_not_queued(version):
    with Clinic(version) as place:
        place.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int); INSERT INTO t VALUES (1);"
                  " CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql"
                  " AS 'BEGIN PERFORM pg_sleep(0.3); RETURN 1; END'")
        place.psql(text="SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1;\n/* nightly */ VACUUM t;\n"
                        "CREATE INDEX ON t (slow(id));\nSELECT pg_sleep(0.3), 'ours' /* lbops */;\n"
                        "(SELECT pg_sleep(0.3) AS theirs, 1, 2);\n")
        slow = place.sql("SELECT count(*) FROM pg_stat_statements WHERE max_exec_time > 200 AND dbid ="
                         " (SELECT oid FROM pg_database WHERE datname = current_database())")
        holds(int(slow) >= 4, f"{slow} are slow")
        gone, other = f"{place.database}_gone", f"{place.database}_other"
        for name in (gone, other):
            place.at_server(f"CREATE DATABASE {name}")
            place.sql("SELECT pg_sleep(0.3)", branch=name)
        place.at_server(f"DROP DATABASE {gone}")
        try:
            rows = all_queued(place)
        finally:
            place.at_server(f"DROP DATABASE {other}")
        theirs, = [r for r in rows if r["database_name"] == place.database and "pg_sleep" in r["query"]]
        holds("theirs" in theirs["query"] and theirs["plan"], str(theirs))
        equal([r for r in rows if re.search("VACUUM|CREATE|lbops", r["query"])], [], "maintenance, and our own")
        away, = [r for r in rows if r["database_name"] == other and "pg_sleep" in r["query"]]
        equal((away.get("plan"), "pg_sleep" in away["query"]), (None, True), f"of another database, its text: {away}")
        holds("another database" in json.dumps(away["evidence"]), str(away["evidence"]))
        equal([r for r in rows if r["database_name"] in (None, gone)], [], "of no database")


def what_runs_yet_is_queued_once(version):
    with Clinic(version) as place:
        place.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE people (id int, name text)")
        person = place.person(place.role("clerk", "LOGIN SUPERUSER"))
        person.start("SELECT pg_sleep(600), 'Rosa''s', count(*) /* secret */ FROM people WHERE id <> 17.5 OR name = 'Luxemburg'")
        place.until(f"SELECT clock_timestamp() - query_start > interval '1 s' FROM pg_stat_activity"
                    f" WHERE pid = {person.pid} AND wait_event = 'PgSleep'")
        done = do(place, "slow_query_time", slow_s=0.9)["result"]
        queued, = [q for q in done["queued"] if q["runs_as_pid"] == person.pid]
        equal((queued["database"], queued["has_plan"]), (place.database, True), f"{queued}")
        row, = [r for r in place.waiting("query_review_queue") if r["database_name"] == place.database]
        equal(re.sub(r"\s+", " ", row["query"]), "SELECT pg_sleep($1), $2, count(*) FROM people WHERE id <> $3 OR name = $4", "no values")
        holds("Seq Scan" in json.dumps(row["plan"]) and "Luxemburg" not in json.dumps(row), f"its plan: {row}")
        running = place.sql(f"SELECT query_id FROM pg_stat_activity WHERE pid = {person.pid}")
        equal((str(row["queryid"]), row["mean_exec_time"] > 900), (running, True), "whose it is, and for how long")
        place.until(f"SELECT clock_timestamp() - query_start > interval '3 s' FROM pg_stat_activity WHERE pid = {person.pid}")
        again = do(place, "slow_query_time", slow_s=0.9)["result"]
        equal([q for q in again.get("queued", []) if q["database"] == place.database], [], "and once")


def the_others_advise(version):
    with Clinic(version) as place:
        advice = do(place, "cache_hit_ratio")["result"]
        equal((advice["status"], advice["findings"][0]["kind"]), ("advised", "cache_size"), "cache")
        slot = f"slot_{place.database}"[:60]
        place.sql(f"SELECT pg_create_physical_replication_slot('{slot}', true)")
        try:
            lag = do(place, "replication_lag")["result"]
        finally:
            place.sql(f"SELECT pg_drop_replication_slot('{slot}')")
        equal(slot in [r["object"] for r in lag["replication"]], True, "the slot is named")
        equal(lag["status"], "recorded", "and not touched")
        place.run("execute_low_risk_sop", check=2, issue_type="rain")


PROCEDURES = """
[agents.health]
tools = ["evaluate_alert_thresholds", "execute_low_risk_sop", "escalate_high_risk_issue", "terminate_idle_connections"]

[[subscriptions]]
event = "threshold.breached"
tool = "execute_low_risk_sop"
params = { issue_type = "{payload.metric}", context = "{payload.context}" }
"""


def what_was_done_stands_in_the_alert(version):
    """A table whose dead rows are vacuumed, and one that somebody keeps locked: people hear of both, once each, and of the end."""
    with Web() as slack, Web() as duty, Clinic(version, more=services(slack, duty) + PROCEDURES) as place:
        with_dead_rows(place, "a")
        with People(place, slack, duty, "dead_tuple_ratio") as people:
            judge(place, **QUICK)
            done = people.line("vacuum of public.a: done; dead tuple share went from 33.3 % to 0 %, back inside its limit")
            holds(done.startswith("warning: ") or done.startswith("critical: "), done)
            equal([action for action, _ in people.told(2)], ["trigger"] * 2, "that it began, and what was done")
            judge(place, **QUICK)
            equal(people.told(3)[2][0], "resolve", "its end")
            end = people.duty.taken[-1]["json"]["payload"]["custom_details"]
            holds(end["done"].startswith("vacuum of public.a: done;") and "(execute_low_risk_sop, run " in end["done"], str(end))
            run = re.search(r"run (\w{26})", end["done"])[1]
            for words in (("runs", run), ("runs", "--tool", "execute_low_risk_sop")):
                holds("    vacuum of public.a: done; dead tuple share" in place.cli(*words, check=0).stdout, f"{words} say what came of it")

            with_dead_rows(place, "locked")
            keeper = place.person(place.role("clerk", "LOGIN SUPERUSER"))
            keeper.say("BEGIN; LOCK TABLE locked IN SHARE MODE")
            judge(place, **QUICK)
            passed = people.line("vacuum of public.locked: could not be done now: session ")
            holds(" locks it" in passed, passed)
            holds("    treated by execute_low_risk_sop at " in place.cli("alerts", check=0).stdout, "lbops alerts has it")
            judge(place, **QUICK)
            keeper.say("ROLLBACK")
            do(place, "dead_tuple_ratio", table="locked")
            people.line("vacuum of public.locked: done")
            judge(place, **QUICK)
            equal([action for action, key in people.told(7)[3:]], ["trigger"] * 3 + ["resolve"], "by hand it is told, too")


suite(*on_each(dead_rows_are_vacuumed, idle_sessions_make_room, nothing_idle_is_said, old_rows_are_frozen,
               limits_hold_back_changes_until_their_time, limits_count_what_others_have_run, what_is_over_by_then_is_not_done,
               a_vacuum_that_is_passed_over_is_none, what_the_role_may_not_do_was_not_done, only_what_the_role_may_freeze_is_frozen, from_17_on_the_right_is_maintain, a_vacuum_that_is_held_was_one,
               a_lock_chain_is_kept, the_parties_of_a_deadlock_are_kept,
               what_was_done_stands_in_the_alert, slow_statements_are_queued, what_nobody_wants_to_see_is_not_queued, what_runs_yet_is_queued_once, the_others_advise))
