"""From a slow statement to an index that is kept, and from an index that nobody needed to one that is taken back: found
under load, explained, proposed, proven, approved, built, measured by the times of statements, judged. And the other way
around: of two indexes that are dropped one was needed, which the statements of its table show, and it comes back."""

import contextlib
import datetime
import json
import subprocess
import tempfile

from place import Given, contains, each_version, equal, holds, suite

from databases import Branch
from planted import answer, plant

MORE = """
[services.delta]
plugin = "delta_local"
flush_interval_s = 3600
[[gate]]
tool = "generate_index_recommendation"
effect = "additive"
decision = "ask"
reason = "people want to see each index before it is built"
"""
# 99 % of the notices are done: an index by state looks selective by its many values, and does not help who asks for these.
TABLES = """
CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
INSERT INTO orders SELECT i, i % 20000, repeat('x', 80) || i FROM generate_series(1, 120000) i;
CREATE TABLE notices (id int PRIMARY KEY, state int, body text);
INSERT INTO notices SELECT i, CASE WHEN i % 100 = 0 THEN i ELSE 1 END, repeat('y', 80) || i FROM generate_series(1, 60000) i;
ALTER TABLE notices ALTER state SET (n_distinct = 600);
CREATE TABLE "Odd goods" (id int, code text, body text);
INSERT INTO "Odd goods" SELECT i, 'code ' || i, repeat('z', 80) FROM generate_series(1, 60000) i;
CREATE INDEX "goods ""code"" x" ON "Odd goods" (code); CREATE INDEX orders_note ON orders (note);
ANALYZE orders; ANALYZE notices; ANALYZE "Odd goods";
"""
SLOW = "SELECT count(note) FROM orders WHERE customer_id = 4711;"
IDLE = "SELECT max(body) FROM notices WHERE state = 1;"
FINE = "SELECT note FROM orders WHERE id = 99;"
CODE = "SELECT max(body) FROM \"Odd goods\" WHERE code = 'code 77';"
GENERATE = "generate_index_recommendation"
LIMITS = {"min_confidence": 0.5, "min_calls": 20, "min_mean_ms": 0, "min_share": 0.02, "min_table_bytes": 0}
KEEP = {**LIMITS, "keep_days": 0, "watch_hours": 0, "apply": True}
BY_MISTAKE = [{"object": name, "kind": "unused_index"} for name in ('public.goods "code" x', "public.orders_note")]
CODE_INDEX, NOTE_INDEX, STATE, CUSTOMER = 'goods "code" x', "orders_note", "notices_state_idx", "orders_customer_id_idx"
DROPS = {**LIMITS, "analysis_results": BY_MISTAKE, "min_confidence": 0, "days": 0, "min_minutes": 0, "min_reads": 0, "min_unused_bytes": 0}


def load(place, rounds=30):
    """Two people at work at once; snapshots around it, as the schedule would take them."""
    place.run("persist_pg_stat_statements")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"{SLOW}\n{IDLE}\n{FINE}\n{CODE}\n")
        script.flush()
        done = subprocess.run(["pgbench", "-n", "-c", "2", "-t", str(rounds), "-f", script.name, "-d", place.url()],
                              capture_output=True, text=True, timeout=300, check=False)
    equal(done.returncode, 0, done.stderr)
    place.run("persist_pg_stat_statements")


def latest(place):
    """The last row of each recommendation in the history, by its index; and all its states in order."""
    rows = answer(place, "SELECT index_name, status, reason, evidence FROM index_recommendations ORDER BY updated_at")
    states = {}
    for row in rows:
        states.setdefault(row["index_name"], []).append(row["status"])
    return {row["index_name"]: row for row in rows}, states


def as_json(value):
    return json.loads(value) if isinstance(value, str) else value


def built(place):
    names = place.sql("SELECT string_agg(c.relname, '|') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                      " JOIN pg_class t ON t.oid = i.indrelid WHERE NOT i.indisprimary AND i.indisvalid"
                      " AND t.relname IN ('orders', 'notices', 'Odd goods')")
    return set(names.split("|"))


def approve_all(place, count):
    requests = place.approvals()
    equal(len(requests), count, f"requests {requests}")
    for request in requests:
        place.approve(request["id"])


def what_people_see(place):
    """The figures of each request, and its undo by the table that it is about."""
    requests = {r["evidence"]["object"]: r for r in place.approvals()}
    figures = requests["public.orders"]["evidence"]["not_compared"]["figures"]
    equal({name: figures[name] for name in ("size_by", "statements", "calls", "is_proven", "index_writes_per_hour", "writes_counted_by")},
          {"size_by": "planner", "statements": 1, "calls": 60, "is_proven": True, "index_writes_per_hour": None, "writes_counted_by": None},
          f"figures, with a rate that nobody knows after seconds of counting: {figures}")
    holds(figures["bytes_added"] > 100_000 and figures["mean_ms"] > 0 and figures["ms_saved"] > 0, f"what it costs and gains: {figures}")
    holds(figures["cost_with_it"] * 2 < figures["cost_now"], f"the proof: {figures}")
    return {name: r["undo"] for name, r in requests.items()}


def two_are_dropped(place):
    """One is in no plan; of the other the counts were forgotten, and nobody minded that statements take it."""
    place.sql("""SELECT pg_stat_reset_single_table_counters('"goods ""code"" x"'::regclass)""")
    told = place.run(GENERATE, apply=True, check=3, **DROPS)["result"]
    found = told["recommendations"]
    equal({(f["index"], f["status"]) for f in told["followed"]}, {(STATE, "executed"), (CUSTOMER, "executed")}, "what was built")
    equal({(r["object"], r["type"], r["status"]) for r in found},
          {(one["object"], "drop_unused", "pending_review") for one in BY_MISTAKE}, f"what may go: {found}")
    approve_all(place, 2)
    equal(built(place), {STATE, CUSTOMER}, "indexes once two have gone")


def a_copy_is_slow(place):
    """What the same statement takes in another database of the server, which has a copy of the tables."""
    queryid, dbid = place.sql("SELECT s.queryid, s.dbid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND"
                              " d.datname = current_database() WHERE s.query LIKE 'SELECT count(note) FROM orders%'").split("|")
    plant(place, "pg_stat_history", [{
        "granularity": "snapshot", "system_identifier": 1, "postmaster_start": datetime.datetime(2026, 1, 1), "userid": 10,
        "toplevel": True, "dbid": int(dbid) + 1, "database_name": "copy", "queryid": int(queryid), "calls": 5000, "calls_delta": 5000,
        "total_exec_time": 9e6, "total_exec_time_delta": 9e6, "interval_seconds": 0.001,
        "snapshot_timestamp": datetime.datetime.now(datetime.timezone.utc)}])


def it_comes_back(place, judged):
    """What was needed is proposed as it was."""
    missed = next(f for f in judged["findings"] if f["kind"] == "missed_index")
    equal((missed["object"], missed["fix"], missed["confidence"]["label"]),
          (f"public.{CODE_INDEX}", 'CREATE INDEX CONCURRENTLY "goods ""code"" x" ON public."Odd goods" USING btree (code)', "high"),
          "what is missed")
    evidence = missed["evidence"]
    equal((evidence["statements_compared"], evidence["statements_slower"], evidence["its_calls_since"]), (1, 1, 60), "by whom")
    holds(evidence["its_mean_ms_since"] >= 1.5 * evidence["its_mean_ms_before"] > 0, f"its time {evidence}")
    holds(evidence["its_blocks_since"] >= 500 > 50 > evidence["its_blocks_before"], f"its blocks {evidence}")


def one_is_kept_and_one_is_taken_back(version):
    with Given(version, more=MORE) as place:
        place.sql(TABLES)
        load(place)
        slow = place.run("analyze_slow_queries_with_ai", min_mean_exec_ms=0, min_calls=20, max_queries=10)["result"]
        mine = next(a for a in slow["analyses"] if "customer_id" in a["query"])
        contains(mine["explanation"][0]["text"], "an index of public.orders on customer_id would help")
        equal((mine["bottleneck"], mine["queued_for_review"]), ("missing_index", True), "the slow statement")

        first = place.run(GENERATE, apply=True, check=3, **LIMITS)["result"]
        made = first["recommendations"]
        equal({(r["object"], r["type"], r["status"]) for r in made},
              {("public.orders", "create_missing", "pending_review"), ("public.notices", "create_missing", "pending_review")},
              "proposals")
        holds(all(f["evidence"]["is_proven"] for f in first["findings"]), f"the planner's word for both: {first['findings']}")
        equal(built(place), {CODE_INDEX, NOTE_INDEX}, "indexes before anybody has agreed")
        promised = what_people_see(place)
        equal(promised["public.orders"], "DROP INDEX CONCURRENTLY public.orders_customer_id_idx", "how to take it back")
        approve_all(place, 2)
        equal(built(place), {CODE_INDEX, NOTE_INDEX, STATE, CUSTOMER}, "indexes once somebody has")
        two_are_dropped(place)

        seen = place.run(GENERATE, **LIMITS)["result"]["followed"]
        equal({(f["index"], f["status"]) for f in seen}, {(NOTE_INDEX, "executed"), (CODE_INDEX, "executed")}, "what has happened")
        early = place.run(GENERATE, **KEEP)["result"].get("followed", [])
        equal(early, [], "a verdict before anything was counted")
        load(place)
        a_copy_is_slow(place)
        waits = place.run(GENERATE, check=3, **{**KEEP, "watch_hours": 24})["result"]["followed"]
        equal({f["index"] for f in waits}, {STATE, CUSTOMER}, "drops are watched for a day at least")
        judged = place.run(GENERATE, check=3, **KEEP)["result"]
        steps = {f["index"]: f for f in waits + judged["followed"]}
        equal({(n, f["status"], f["undo"]) for n, f in steps.items()},
              {(CUSTOMER, "kept", None), (STATE, "executed", "waiting"), (NOTE_INDEX, "kept", None), (CODE_INDEX, "executed", "waiting")},
              "verdicts")
        contains(steps[CUSTOMER]["reason"], "over 60 calls")
        contains(steps[NOTE_INDEX]["reason"], "none of 2 statements on its table takes clearly longer")
        useless = next(f for f in judged["findings"] if f["kind"] == "useless_index")
        equal((useless["object"], useless["fix"]), ("public.notices_state_idx", "DROP INDEX CONCURRENTLY public.notices_state_idx"),
              "what is to be taken back")
        equal(useless["fix"], promised["public.notices"], "as it was promised")
        it_comes_back(place, judged)
        equal(built(place), {STATE, CUSTOMER}, "indexes while somebody is asked")
        approve_all(place, 2)
        equal(built(place), {CODE_INDEX, CUSTOMER}, "indexes in the end")
        ended = place.run(GENERATE, **{**KEEP, "apply": False})["result"]
        equal({(f["index"], f["status"]) for f in ended["followed"]}, {(STATE, "reverted"), (CODE_INDEX, "reverted")}, "the end")
        rows, states = latest(place)
        kept, reverted = ["pending_review", "executed", "kept"], ["pending_review", "executed", "reverted"]
        equal(states, {CUSTOMER: kept, STATE: reverted, NOTE_INDEX: kept, CODE_INDEX: reverted}, "their lives")
        figures = {name: as_json(rows[name]["evidence"])["measured"] for name in (CUSTOMER, STATE)}
        holds(all(f["calls_before"] == f["calls_after"] == 60 for f in figures.values()), f"calls {figures}")
        holds(figures[CUSTOMER]["mean_ms_after"] < 0.5 * figures[CUSTOMER]["mean_ms_before"], f"the gain {figures}")
        figures |= {name: as_json(rows[name]["evidence"])["watched"] for name in (NOTE_INDEX, CODE_INDEX)}
        again = place.run(GENERATE, **KEEP)["result"]
        equal((again.get("followed", []), again.get("recommendations", [])), ([], []), "what did not help comes back")
        print(f"  {version}: {figures}")


SHORT = ("CREATE TABLE t (a int, b int); INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 9000) i;"
         "CREATE INDEX short ON t (a); CREATE INDEX long ON t (a, b); ANALYZE t")
ONLY_SHORT = {"min_confidence": 0.5, "min_unused_bytes": 1 << 40, "min_table_bytes": 1 << 40, "apply": True}


def what_people_deny_is_heard(version):
    """A run that asks ends before anybody answers: the next one hears it, and asks nobody again."""
    limits = ONLY_SHORT
    with Given(version, more=MORE) as place:
        place.sql(SHORT)
        first = place.run(GENERATE, check=3, **limits)["result"]
        equal([(r["index"], r["status"]) for r in first["recommendations"]], [("short", "pending_review")], "what may go")
        asked = place.approvals()
        equal(len(asked), 1, f"requests {asked}")
        place.cli("deny", asked[0]["id"], "--as", "anna", "--because", "the reports of May need it", check=0)
        heard = place.run(GENERATE, check=None, **limits)["result"]
        equal([(f["index"], f["was"], f["status"]) for f in heard["followed"]], [("short", "pending_review", "rejected")], "heard")
        contains(heard["followed"][0]["reason"], "anna said no")
        contains(heard["findings"][0]["confidence"]["terms"], {"name": "it_was_rejected_before", "points": -0.2})
        equal([(r["index"], r["status"]) for r in heard["recommendations"]], [("short", "rejected")], "once somebody has said no")
        again = place.run(GENERATE, check=None, **limits)["result"]
        equal((again.get("followed", []), again["unchanged"], again["waiting"]), ([], 1, 0), "a third time")
        equal([a for a in place.approvals() if a["status"] == "pending"], [], "whom is asked again")
        equal(latest(place)[1], {"short": ["pending_review", "rejected"]}, "its life")
        equal(place.sql("SELECT count(*) FROM pg_indexes WHERE tablename = 't'"), "2", "indexes")


@contextlib.contextmanager
def branch_of_two(version):
    with Branch(version, MORE) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            database.sql(SHORT)
        yield branch, shop, books


def advice(branch, database):
    return branch.look_at(database).run(GENERATE, check=None, **ONLY_SHORT)["result"]


def each_database_has_its_own(version):
    """Two databases of a branch have the same indexes: what people say of one says nothing of the other."""
    with branch_of_two(version) as (branch, shop, books):
        advised = [advice(branch, database)["recommendations"] for database in (shop, books)]
        equal([[(r["index"], r["status"]) for r in made] for made in advised], [[("short", "pending_review")]] * 2, "advice")
        holds(advised[0][0]["recommendation_id"] != advised[1][0]["recommendation_id"], f"one for both: {advised}")
        requests = {r["evidence"]["database"]: r for r in branch.approvals()}
        equal({name: (r["title"], r["status"]) for name, r in requests.items()},
              {d.database: (f"drop_duplicate: public.short in {d.database}", "pending") for d in (shop, books)}, "requests")
        branch.look_at(shop).approve(requests[shop.database]["id"])
        branch.cli("deny", requests[books.database]["id"], "--as", "anna", "--because", "the reports need it", check=0)
        equal([d.sql("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") for d in (shop, books)], ["1", "2"], "indexes")
        heard = {d.database: [(f["index"], f["was"], f["status"]) for f in advice(branch, d)["followed"]] for d in (books, shop)}
        equal(heard, {shop.database: [("short", "pending_review", "executed")], books.database: [("short", "pending_review", "rejected")]},
              "what has become of them")
        lives = {}
        for row in answer(branch, "SELECT database_name, recommendation_id, status FROM index_recommendations ORDER BY updated_at"):
            lives.setdefault((row["database_name"], row["recommendation_id"]), []).append(row["status"])
        equal(lives, {(shop.database, advised[0][0]["recommendation_id"]): ["pending_review", "executed"],
                      (books.database, advised[1][0]["recommendation_id"]): ["pending_review", "rejected"]}, "their lives")


def old_id(text):
    """Of a recommendation from before the databases of a branch were told apart."""
    value = 14695981039346656037
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % (1 << 64)
    return f"idx-{value:016x}"


def what_is_older_goes_on(version):
    """It keeps its id and what was said to it, and is the database's that takes it on; another one of the branch begins anew."""
    with branch_of_two(version) as (branch, shop, books):
        known, at = old_id("shop/main/drop_duplicate/public.short/"), datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
        plant(branch, "index_recommendations", [{
            "recommendation_id": known, "created_at": at, "updated_at": at, "schema_name": "public", "table_name": "t",
            "index_name": "short", "recommendation_type": "drop_duplicate", "confidence": "high", "status": "pending_review"}])
        plant(branch, "approval_history", [{
            "approval_id": "A1", "at": at + datetime.timedelta(hours=1), "status": "denied", "tool": GENERATE,
            "group_title": "drop_duplicate: public.short", "hash": "h", "decided_by": "anna"}])
        taken = advice(branch, shop)
        equal([(f["recommendation_id"], f["status"]) for f in taken["followed"]], [(known, "rejected")], "heard in the first")
        equal([(r["recommendation_id"], r["status"]) for r in taken["recommendations"]], [(known, "rejected")], "the same one")
        other = advice(branch, books)
        equal(other.get("followed", []), [], "what another database does with it")
        equal([(r["recommendation_id"] != known, r["status"]) for r in other["recommendations"]], [(True, "pending_review")], "its own")


suite(*each_version(one_is_kept_and_one_is_taken_back, what_people_deny_is_heard, each_database_has_its_own, what_is_older_goes_on),
      at_once=2)
