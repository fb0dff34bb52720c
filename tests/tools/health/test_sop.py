"""execute_low_risk_sop: what is done about each alert, on servers that have it, and whether it helped."""

from health_place import Clinic, on_each, told
from place import equal, holds, suite


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


def idle_sessions_make_room(version):
    with Clinic(version) as place:
        role = place.role("clerk")
        place.write("[agents.health]\n[agents.health.tool.terminate_idle_connections]\n"
                    f'params = {{ max_idle_min = 0.0001, users = ["{role}"] }}\n')
        people = [place.person(role) for _ in range(3)]
        place.sql("SELECT pg_sleep(0.1)")
        done = do(place, "connection_utilization")
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
        holds(result["verified"] and result["value_after"] < result["value_before"], str(result)[:500])


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


def slow_statements_are_queued(version):
    with Clinic(version) as place:
        equal(do(place, "slow_query_time")["result"]["reason"], "pg_stat_statements is not in this database", "without")
        place.sql("CREATE EXTENSION pg_stat_statements")
        place.sql("SELECT pg_sleep(0.3)")
        done = do(place, "slow_query_time", slow_s=0.2)
        holds(done["result"]["status"] == "recorded" and done["result"]["queued"], str(done["result"]))
        rows = place.waiting("query_review_queue")
        holds(any(r["mean_exec_time"] >= 200 and r["status"] == "open" for r in rows), str(rows))
        equal(do(place, "slow_query_time", slow_s=0.2)["result"]["status"], "skipped", "once an hour")


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
        place.run("execute_low_risk_sop", check=2)
        place.run("execute_low_risk_sop", check=2, issue_type="rain")


suite(*on_each(dead_rows_are_vacuumed, idle_sessions_make_room, nothing_idle_is_said, old_rows_are_frozen,
                    a_lock_chain_is_kept, slow_statements_are_queued, the_others_advise))
