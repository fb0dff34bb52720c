"""Slow statements on real servers: found, explained, proposed for, and queued once."""

import itertools
import json

from place import Given, contains, each_version, equal, holds, suite
from planted import KEEPS, metric, midnight, plant

from query_tables import forget_statements, query_id, seed
from upkeep import Private
from ward import Ward

TOOL, EXPLAINS = "analyze_slow_queries_with_ai", "explain_query_in_natural_language"
HISTORY = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'
SLOW = "SELECT count(*) FROM orders WHERE customer_id = 17"
LIMITS = {"min_mean_exec_ms": 0, "min_calls": 3, "max_queries": 50}


def slow_ones_are_found_and_queued_once(version):
    with Given(version, more=HISTORY) as place:
        seed(place)
        place.sql("CREATE EXTENSION hypopg")
        place.sql(f"{SLOW};" * 3)
        equal(place.run(TOOL, plan=True, **LIMITS)["status"], "ok", "a plan")
        equal(place.waiting("query_review_queue"), [], "rows of a plan")
        elsewhere = int(query_id(place, "SELECT count(*) FROM orders WHERE customer_id = $1"))  # as in a copy of the database
        plant(place, "query_review_queue", [{"review_id": "1/1", "queued_at": midnight(), "updated_at": midnight(), "queryid": elsewhere,
                                             "dbid": 1, "reason": "slow", "status": "rejected"}])
        done = place.run(TOOL, **LIMITS)["result"]
        equal(done["examined"], {"statements": 1}, "statements that ran so often")
        found = {f["kind"]: f for f in done["findings"]}
        equal(set(found), {"selective_full_scan", "missing_index"}, "findings")
        index = found["missing_index"]
        equal((index["object"], index["fix"]), ("public.orders", "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id)"),
              "the index")
        holds(index["evidence"]["is_proven"] and index["confidence"]["value"] == 0.9, f"proven: {index}")
        analysis = done["analyses"][0]
        equal((analysis["total_calls"], analysis["bottleneck"], analysis["queued_for_review"]), (3, "missing_index", True), "analysis")
        contains(analysis["explanation"][0]["text"], "an index of public.orders on customer_id would help")
        again = place.run(TOOL, **LIMITS)["result"]
        equal([(a["query"], a["queued_for_review"]) for a in again["analyses"]],
              [("SELECT count(*) FROM orders WHERE customer_id = $1", False)], "queued again")
        rows = place.history("SELECT * FROM query_review_queue")
        text = str(rows)
        contains(text, query_id(place, "SELECT count(*) FROM orders WHERE customer_id = $1"), "open", "rule missing_index", "orders_customer_id_idx")
        equal(text.count("rule missing_index"), 1, "rows of the queue")
        place.sql(index["fix"])
        forget_statements(place)
        place.sql("ANALYZE orders")
        place.sql(f"{SLOW};" * 3)
        cured = place.run(TOOL, **LIMITS)["result"]
        equal([f["kind"] for f in cured["findings"]], [], "with the index")


def what_cannot_be_looked_at_is_said(version):
    with Given(version) as place:
        done = place.run(TOOL)["result"]
        equal((done["findings"], done["skipped"][0]["reason"]), ([], "pg_stat_statements is not installed"), "an empty database")
        seed(place)
        calm = place.run(TOOL)["result"]
        equal((calm["examined"], calm["findings"]), ({"statements": 0}, []), "nothing is slow")
        equal([s["object"] for s in calm["skipped"]], ["statements of late"], "what is not known of it")
        contains(calm["skipped"][0]["reason"], "slow ones are chosen by what was counted in all: history has nothing of the last")
        place.sql("CREATE TABLE gone (a int); SELECT count(*) FROM gone; DROP TABLE gone")
        lost = place.run(TOOL, query_id=query_id(place, "SELECT count(*) FROM gone"))["result"]
        contains(str(lost["skipped"]), 'relation "gone" does not exist')
        equal(lost["analyses"][0]["has_plan"], False, "a plan")
        place.sql("SELECT count(*) FROM orders WHERE status = 'x'; SELECT pg_sleep(0.01); VACUUM customers; EXPLAIN SELECT 1")
        analyses = place.run(TOOL, min_mean_exec_ms=0, max_queries=50, review=False)["result"]["analyses"]
        texts = [a["query"] for a in analyses]
        holds(any("pg_sleep" in t for t in texts), texts)
        holds(not any(word in t for t in texts for word in ("VACUUM", "EXPLAIN", "CREATE", "pg_stat_statements")), texts)
        equal({a["queued_for_review"] for a in analyses}, {False}, "with review off")
        place.run(TOOL, query_id="42", check=1)
        place.run(TOOL, min_mean_exec_ms=-1, check=2)
        place.run(TOOL, max_queries=0, check=2)


def a_weak_role_is_told(version):
    with Given(version) as place:
        seed(place)
        place.sql(f"{SLOW};" * 3)
        role = f"weak_{place.database}"
        place.at_server(f"CREATE ROLE {role} LOGIN")
        try:
            weak = place.url().replace("postgres@", f"{role}@", 1)
            identity = place.sql("SELECT s.queryid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname ="
                                 " current_database() WHERE s.query LIKE '%customer_id%' LIMIT 1")
            for more in (("--min_mean_exec_ms", "0"), ()):  # whatever the limits: nobody knows how slow these are
                done = place.cli("--json", "run", TOOL, "--dsn", weak, *more, check=0).stdout
                contains(done, "may not be seen by this role: grant it pg_read_all_stats")
                holds("customer_id" not in done, "a text that the role may not see")
            told = place.cli("--json", "run", EXPLAINS, "--dsn", weak, check=0).stdout
            contains(told, "may not be seen by this role: grant it pg_read_all_stats")
            equal(json.loads(told)["result"].get("calls"), None, "what all of them took is no statement's")
            contains(place.cli("--json", "run", EXPLAINS, "--dsn", weak, "--query_id", identity, check=1).stdout, "pg_read_all_stats")
        finally:
            place.at_server(f"DROP ROLE {role}")


def what_became_slow_is_chosen_by_history(version):
    """Whatever its calls took before: what snapshots have added of late decides, and goes before what was counted in all."""
    limits = {"min_mean_exec_ms": 100, "review": False}
    with Given(version, more=KEEPS) as place:
        seed(place)
        forget_statements(place)  # of how long it took to make the tables
        place.sql("SELECT count(*) FROM customers WHERE id = 5;" * 40 + "SELECT pg_sleep(0.3), 1; SELECT pg_sleep(0.4), 1, 2")

        def counted(part):
            return place.sql("SELECT s.queryid, s.dbid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND"
                             f" d.datname = current_database() WHERE s.query LIKE '{part}'").split("|")
        quick, sleeps, sleeps_more = (counted(part) for part in
                                      ("SELECT count(*) FROM customers%", "SELECT pg_sleep($1), $2", "SELECT pg_sleep($1), $2, $3"))

        def snapshot(statement, at, calls, ms, **more):
            return {"granularity": "snapshot", "system_identifier": 1, "postmaster_start": midnight(-9), "userid": 10, "toplevel": True,
                    "dbid": int(statement[1]), "database_name": place.database, "queryid": int(statement[0]), "calls": 40,
                    "total_exec_time": 5.0, "calls_delta": calls, "total_exec_time_delta": ms, "snapshot_timestamp": at, **more}

        def chosen(**more):
            done = place.run(TOOL, **limits, **more)["result"]
            return [(a["query_id"], a["selected_by"]) for a in done.get("analyses", [])], done

        def told(done):
            return [f["reason"] for f in done["findings"] if f["kind"] == "slower_than_before"]
        by_lifetime = [(sleeps_more[0], "lifetime"), (sleeps[0], "lifetime")]
        found, done = chosen()
        equal(found, by_lifetime, "without history")
        contains(str(done["skipped"]), "slow ones are chosen by what was counted in all: ")
        plant(place, "pg_stat_history", [snapshot(quick, midnight(-3), 20, 20.0)])
        found, done = chosen()
        equal(found, by_lifetime, "with a history that has nothing of late")
        contains(str(done["skipped"]), "history has nothing of the last 1 hour'")
        plant(place, "pg_stat_history", [snapshot(quick, midnight(0, 24), 20, 18_000.0), snapshot(sleeps_more, midnight(0, 24), 20, 20.0),
                                         snapshot(sleeps, midnight(0, 24), 20, 20_000.0, database_name="another", dbid=1)])
        found, done = chosen()
        equal(found, [(quick[0], "history"), (sleeps[0], "lifetime")], "what became slow, and what nobody knows of")
        contains(str(done["skipped"]), "in the last 1 h: it is slow no more")
        holds("chosen by what was counted in all" not in str(done["skipped"]), f"with history: {done['skipped']}")
        (slow, *_) = done["analyses"]
        equal((slow["reason"], slow["recent_exec_time_ms"], slow["baseline_exec_time_ms"]), ("regressed", 900, 1), "before, and of late")
        holds(slow["mean_exec_time_ms"] < 100, f"in all: {slow}")
        holds(not told(done), "which of rows, blocks and time has grown, where nobody has counted them")
        equal(chosen(max_queries=1)[0], [(quick[0], "history")], "it goes before the others")
        equal(chosen(min_calls=21)[0], [], "that ran so often")
        equal(chosen(query_id=sleeps[0])[0], [(sleeps[0], "query_id")], "the one that is asked for")


def what_became_slow_has_a_reason(version):
    """The same sixteen times as long: for more rows, for more blocks of each, or for a slower block."""
    causes = {"a call returns or changes 16 times as many rows": (16, 16), "it reads 16 times as many blocks": (1, 16),
              "each block takes 16 times as long": (1, 1)}
    with Given(version, more=KEEPS) as place:
        seed(place)
        forget_statements(place)
        place.sql("".join(f"SELECT count(*), {n} FROM customers WHERE id{' + 0' * n} = 5;" for n in range(3)))
        rows = place.sql("SELECT s.queryid, s.dbid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND"
                         " d.datname = current_database() WHERE s.query LIKE 'SELECT count(*), %' ORDER BY s.query").splitlines()
        for row, (more_rows, more_blocks) in zip(rows, causes.values(), strict=True):
            queryid, dbid = row.split("|")
            key = {"granularity": "snapshot", "system_identifier": 1, "postmaster_start": midnight(-9), "userid": 10, "toplevel": True,
                   "dbid": int(dbid), "database_name": place.database, "queryid": int(queryid), "calls": 40, "total_exec_time": 5.0,
                   "calls_delta": 20, "shared_blks_read_delta": 0}
            plant(place, "pg_stat_history", [
                {**key, "snapshot_timestamp": midnight(-3), "total_exec_time_delta": 1000.0, "rows_delta": 20 * 5,
                 "shared_blks_hit_delta": 20 * 40},
                {**key, "snapshot_timestamp": midnight(0, 24), "total_exec_time_delta": 16_000.0, "rows_delta": 20 * 5 * more_rows,
                 "shared_blks_hit_delta": 20 * 40 * more_blocks}])
        done = place.run(TOOL, **{**LIMITS, "min_mean_exec_ms": 100, "min_calls": 1, "review": False})["result"]
        reasons = {f["evidence"]["query_id"]: f["reason"] for f in done["findings"] if f["kind"] == "slower_than_before"}
        for row, cause in zip(rows, causes, strict=True):
            contains(reasons[row.split("|")[0]], "it takes 800 ms a call of late, and took 50 in the two weeks before: ", cause)


def regressions_are_looked_at_though_they_are_quick(version):
    """By each limit alone; those that added the most time first, and besides the slow ones."""
    # name: calls and milliseconds a call before, and of late
    took = {"slow": (1000, 900, 20, 900), "worst": (1000, 5, 100, 50), "second": (1000, 20, 60, 45), "few": (1000, 5, 49, 50),
            "little": (1000, 2, 200, 11.5), "unclear": (1000, 30, 100, 58), "rare": (1000, 2, 50, 14), "new": (9, 2, 100, 50)}
    with Given(version, more=KEEPS) as place:
        seed(place)
        forget_statements(place)
        place.sql("".join(f"SELECT {'1, ' * width}count(*) FROM customers WHERE id = 5;" for width in range(len(took))))
        ids, rows = {}, []
        for width, (name, (calls, before, recent_calls, recent)) in enumerate(took.items()):
            text = f"SELECT {'$_, ' * width}count(*) FROM customers"
            ids[name], dbid = place.sql("SELECT s.queryid, s.dbid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND"
                                        f" d.datname = current_database() WHERE s.query LIKE '{text}%'").split("|")
            for at, count, ms in ((midnight(-3), calls, before), (midnight(0, 24), recent_calls, recent)):
                rows.append({"granularity": "snapshot", "system_identifier": 1, "postmaster_start": midnight(-9), "userid": 10,
                             "toplevel": True, "dbid": int(dbid), "database_name": place.database, "queryid": int(ids[name]),
                             "calls": 40, "total_exec_time": 5.0, "calls_delta": count, "total_exec_time_delta": float(count * ms),
                             "rows_delta": count, "shared_blks_hit_delta": count * 4, "shared_blks_read_delta": 0,
                             "snapshot_timestamp": at})
        busy = {**rows[0], "queryid": 1, "calls_delta": 10_000, "total_exec_time_delta": 100_000.0}
        elsewhere = {**rows[3], "database_name": "another", "dbid": 1, "total_exec_time_delta": 1e9}
        plant(place, "pg_stat_history", [*rows, busy, {**busy, "snapshot_timestamp": midnight(0, 24)}, elsewhere])

        def chosen(**more):
            done = place.run(TOOL, **{"min_mean_exec_ms": 500, "review": False, **more})["result"]
            names = {queryid: name for name, queryid in ids.items()}
            return [(names[a["query_id"]], a["selected_by"]) for a in done["analyses"]], done
        slow, both = ("slow", "history"), [("worst", "regression"), ("second", "regression")]
        found, done = chosen(max_queries=1)
        equal(found, [slow, *both], "besides the slow one")
        worst = done["analyses"][1]
        equal((worst["reason"], worst["baseline_exec_time_ms"], worst["recent_exec_time_ms"]), ("regressed", 5, 50), "the worst")
        contains(worst["selected_because"], "it took 50 ms a call of late, 10 times as much as in the two weeks before, in 100 calls and 3.5 %")
        told = {f["evidence"]["query_id"]: f["reason"] for f in done["findings"] if f["kind"] == "slower_than_before"}
        equal(set(told), {ids["worst"], ids["second"]}, "what is said to be slower")
        contains(told[ids["worst"]], "it takes 50 ms a call of late, and took 5 in the two weeks before")
        found, done = chosen(max_regressed=1)
        equal(found, [slow, both[0]], "no more than are wanted")
        contains(str(done["skipped"]), "max_regressed is 1: 1 more is left out")
        equal(chosen(max_regressed=0)[0], [slow], "none are wanted")
        for name, limit in (("few", {"regressed_calls": 49}), ("little", {"regressed_ms": 9}), ("unclear", {"regressed_times": 1.9}),
                            ("rare", {"regressed_share": 0.001})):
            equal(set(chosen(**limit)[0]), {slow, *both, (name, "regression")}, f"with {limit}")


def doubts(place, **more):
    """Of the one finding: why its statement is here, its confidence, how many evictions are said, and the points for them."""
    result = place.run(TOOL, **{**LIMITS, "review": False, **more})["result"]
    found = next(f for f in result["findings"] if f["kind"] == "selective_full_scan")
    points = [t["points"] for t in found["confidence"]["terms"] if t["name"] == "statements_were_evicted"]
    holds(bool(points) == ("dropped statements" in found["reason"]), f"what is said of it: {found['reason']}")
    return result["analyses"][0]["reason"], round(found["confidence"]["value"], 2), found["evidence"].get("evictions"), points


def evictions_leave_doubts(version):
    """What history read of the server's count in the last two weeks: only what it grew by."""
    count = "pg_stat_statements_dealloc"
    with Given(version, more=KEEPS) as place:
        seed(place)
        place.sql(f"{SLOW};" * 3)
        sure = doubts(place)
        equal((sure[0], sure[2:]), ("slow", (None, [])), "without readings")
        plant(place, "lakebase_metrics", [metric(count, midnight(-20), 1), metric(count, midnight(-16), 9)]
              + [metric(count, midnight(-day), 9) for day in range(1, 13)] + [metric("txid_age", midnight(-2), 1)]
              + [metric("txid_age", midnight(-1), 99)])
        equal(doubts(place), sure, "none of late")
        plant(place, "lakebase_metrics", [metric(count, midnight(0, -10), 0)])
        equal(doubts(place), sure, "a count that began anew")
        plant(place, "lakebase_metrics", [metric(count, midnight(0, -5), 2), metric(count + "_at_snapshot", midnight(0, -5), 2)])
        slow = doubts(place)
        equal(slow, ("slow", round(sure[1] - 0.1, 2), 2, [-0.1]), "two, which two tools saw")
        queryid, dbid = place.sql("SELECT s.queryid, s.dbid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND"
                                  " d.datname = current_database() WHERE s.query LIKE 'SELECT count(*) FROM orders WHERE%'").split("|")
        key = {"granularity": "snapshot", "system_identifier": 1, "postmaster_start": midnight(-9), "userid": 10, "dbid": int(dbid),
               "toplevel": True, "queryid": int(queryid), "calls": 40, "total_exec_time": 900.0, "calls_delta": 20}
        plant(place, "pg_stat_history", [{**key, "snapshot_timestamp": midnight(-3), "total_exec_time_delta": 20.0},
                                         {**key, "snapshot_timestamp": midnight(0, 24), "total_exec_time_delta": 880.0}])
        equal(doubts(place), ("regressed", round(sure[1] - 0.2, 2), 2, [-0.2]), "compared with what may lack some")
        plant(place, "lakebase_metrics", [metric(count, midnight(0, -1), 3, epoch="1 100"), metric(count, midnight(0, -0.5), 5, epoch="1 200")])
        equal(doubts(place)[2], 8, "one more, and five since the count began anew behind its back")


def index_asked_for(place):
    """By the slow statement: how many evictions are said of it, whether its reason says them, and the points for them."""
    result = place.run("detect_missing_indexes", min_bytes=0, min_calls=30, min_mean_ms=0)["result"]
    (found,) = [f for f in result["findings"] if f["object"] == "public.orders"]
    (points,) = [t["points"] for t in found["confidence"]["terms"] if t["name"] == "statements_were_evicted"]
    told = any(s["object"] == "statements" and "by dropping those that ran least" in s["reason"] for s in result["skipped"])
    equal(told, "to make room" in found["reason"], f"it is said in both places: {result}")
    return found["evidence"]["evictions"], told, points


def evictions_are_seen_as_they_happen(version):
    """On a server of its own, with room for a hundred statements."""
    with Ward(version, **{"pg_stat_statements.max": 100}) as ward, Private(ward, more=KEEPS) as place:
        seed(place)

        def read_after(*statements):
            place.sql(";".join(statements))
            place.run("collect_pg_stat_statements_info", full_ratio=1)
            place.sql(f"{SLOW};" * 30)
            return doubts(place, min_calls=30)
        read_after("SELECT pg_stat_statements_reset()")
        sure = read_after("SELECT 1")
        equal(sure[2:], (None, []), "room for all")
        equal(index_asked_for(place), (0, False, 0), "an index that is asked for")
        width = itertools.count(1)
        doubtful = read_after(*(f"SELECT 1{', 1' * next(width)}" for _ in range(150)))
        holds(doubtful[2] >= 1, f"evictions: {doubtful}")
        equal((doubtful[0], doubtful[1], doubtful[3]), (sure[0], round(sure[1] - 0.1, 2), [-0.1]), "some were dropped")
        evictions, told, points = index_asked_for(place)
        equal((evictions >= 1, told, points), (True, True, -0.1), "what else may ask for it is not known")


suite(*each_version(slow_ones_are_found_and_queued_once, what_cannot_be_looked_at_is_said, a_weak_role_is_told,
                    what_became_slow_is_chosen_by_history, what_became_slow_has_a_reason,
                    regressions_are_looked_at_though_they_are_quick, evictions_leave_doubts, evictions_are_seen_as_they_happen), at_once=2)
