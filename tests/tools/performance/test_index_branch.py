"""Without HypoPG an index is proven by building it on a branch, which is gone afterwards; a rewritten statement by executing
it there, and bloat by building the index anew."""

import concurrent.futures
import pathlib
import re
import tempfile
import time

from place import PATIENCE, Given, Local, contains, each_version, equal, holds, remove, suite
from planted import KEEPS

TARGETS = (("production", "production"), ("perf-*", "throwaway"))
ASKS = """
[[gate]]
branch = "production"
decision = "ask"
effect = "additive"
reason = "people want to see each index before it is built"
"""
TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE "Odd Orders" (id int PRIMARY KEY, customer_id int, note text);
INSERT INTO "Odd Orders" SELECT i, i % 5000, repeat('x', 60) || i FROM generate_series(1, 40000) i;
CREATE TABLE parts (id int, device int, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (20001);
CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (20001) TO (90000);
INSERT INTO parts SELECT i, i % 4000, repeat('y', 60) FROM generate_series(1, 40000) i;
ANALYZE "Odd Orders"; ANALYZE parts;
"""
LOAD = 'SELECT count(note) FROM "Odd Orders" WHERE customer_id = 17; SELECT count(note) FROM parts WHERE device = 9;' * 5
LIMITS = {"min_calls": 5, "min_mean_ms": 0, "min_share": 0, "min_rows": 1000}
ALL = {**LIMITS, "min_bytes": 0}
EXPLAIN = "explain_query_in_natural_language"
ABSENT = 'SELECT id FROM "Odd Orders" o WHERE id < 300 AND o.id NOT IN (SELECT {} FROM parts WHERE id > 20000) ORDER BY id'


def the_gain_is_measured_where_it_was_built(version):
    with Local(version, targets=TARGETS) as place:
        place.sql(TABLES + LOAD)
        plain = place.findings("detect_missing_indexes", **ALL)
        equal([(f["evidence"]["is_proven"], f["evidence"]["proven_on_branch"]) for f in plain], [(False, None)] * 2, "unproven")
        equal([f["evidence"]["index_writes_per_day"] for f in plain], [None, None], "a rate from seconds of counting")
        for found in plain:  # those of the partitions, where it has some
            evidence = found["evidence"]
            holds(evidence["sequential_scans"] >= 5 and evidence["rows_read_by_them"] >= 5 * 20000, f"{found['object']}: {evidence}")
        planned = place.run("detect_missing_indexes", plan=True, prove="branch", **ALL)["result"]
        contains(str(planned["skipped"]), "a plan makes no branch")
        equal(set(place.branches()), {"production"}, "branches of a plan")

        tried = place.run("detect_missing_indexes", prove="branch", **ALL)["result"]
        holds("on a branch" not in str(tried["skipped"]), f"what could not be tried: {tried['skipped']}")
        proven = {f["object"]: f for f in tried["findings"]}
        equal(set(proven), {"public.Odd Orders", "public.parts"}, "what would help")
        for found in proven.values():
            evidence = found["evidence"]
            holds(evidence["is_proven"] and evidence["cost_with_it"] < 0.5 * evidence["cost_now"], f"the gain {evidence}")
            holds(re.search(r"built on the branch perf-index-\d{8}-\d{6}-[0-9a-f]{8}\b", found["reason"]), f"{found['reason']}")
            holds(re.fullmatch("[0-9A-F]+/[0-9A-F]+", evidence["proven_at_lsn"]), f"the state that it was proven on {evidence}")
            holds(found["impact"]["bytes_added"] > 100000 and evidence["build_ms"] > 0, f"what it took {found}")
        equal(set(place.branches()), {"production"}, "branches afterwards")
        equal(place.sql("SELECT count(*) FROM pg_indexes WHERE tablename IN ('Odd Orders', 'parts')"), "1", "indexes of production")

        asked = place.run("analyze_slow_queries_with_ai", prove="branch", min_mean_exec_ms=0, min_calls=5, review=False)["result"]
        says = [f["reason"] for f in asked["findings"] if f["kind"] == "missing_index"]
        equal(len(says), 2, f"what statements show: {asked['findings']}")
        for sentence in says:
            contains(sentence, "the planner says where it was built on a branch")
        a_rewrite_is_executed_beside_it(place)
        a_drop_is_tried_where_it_is_done(place)
        a_statement_is_executed_there(place)
        bloat_is_measured_where_it_is_built_anew(place)
        what_the_planner_cannot_be_asked_is_built(place)
        what_is_denied_there_is_no_proof(place)
        equal(set(place.branches()), {"production"}, "branches in the end")


def what_is_denied_there_is_no_proof(place):
    place.sql('CREATE INDEX idle ON parts (note); CREATE INDEX idle_too ON "Odd Orders" (note)')
    place.targets = place.targets.replace('"throwaway"', '"shared"')
    place.write('[[gate]]\nbranch = "perf-*"\ndecision = "execute"\nloosen = true\nreason = "branches come and go, and work on them is denied"\n')
    told, result = rewritten(place, ABSENT.format("id"), prove="branch")
    contains(told[0]["facts"]["not_proven"], "is no branch to throw away, so nothing is executed on it")
    contains(str(result["explanation"]), "may be faster, which nobody has proven")
    idle = place.findings("detect_unused_indexes", prove="branch", days=0, min_minutes=0, min_reads=0, min_bytes=0)
    equal({f["object"] for f in idle}, {"public.idle", "public.idle_too"}, "indexes that may be unused")
    for found in idle:
        contains(found["evidence"]["without_it"], "not tried: ", "is no branch to throw away")
        equal(found["evidence"]["is_tried_without"], False, f"tried: {found}")


def what_the_planner_cannot_be_asked_is_built(place):
    place.sql("""CREATE SCHEMA trigrams; CREATE EXTENSION pg_trgm SCHEMA trigrams;
        CREATE TABLE "Odd ""docs" (id int, "the doc" jsonb, tags int[], body text, x int, size int, done boolean);
        INSERT INTO "Odd ""docs" SELECT i, jsonb_build_object('k', i), ARRAY[i, i + 1], md5(i::text), i % 300, i % 9, i % 1000 = 0
          FROM generate_series(1, 20000) i""")
    place.sql('VACUUM ANALYZE "Odd ""docs"')
    place.sql("""SELECT pg_stat_reset_single_table_counters('"Odd ""docs"'::regclass)""")
    for search in ("\"the doc\" @> '{\"k\": 7}'", "tags && ARRAY[7]", "body LIKE '%abc%'", "done"):
        place.sql(f'SELECT * FROM "Odd ""docs" WHERE {search};' * 6)
    place.sql('SELECT sum(size) FROM "Odd ""docs" WHERE x = 7;' * 6)
    place.sql("DROP TABLE goods")
    found = place.run("detect_missing_indexes", prove="branch", **{**ALL, "max_proofs": 200})["result"]
    mine = [f for f in found["findings"] if f["object"] == 'public.Odd "docs']
    holds(all(f["evidence"]["is_proven"] and f["evidence"]["blocks_with_it"] <= 0.5 * f["evidence"]["blocks_now"] for f in mine),
          f"what was executed: {mine} {found['skipped']}")
    for evidence in (f["evidence"] for f in mine):  # twenty rows take no page of the log, unless a checkpoint has come before
        holds(evidence["build_wal_bytes"] > 1024 and evidence["statements_worse"] == 0, f"what it took, and whom it harmed {evidence}")
        # a vacuum may come between the two
        holds(evidence["cost_of_all_with_it"] <= 1.01 * evidence["cost_of_all_now"], f"all statements together {evidence}")
    holds(1 <= len(mine) <= 2, f"two a round: {[f['fix'] for f in mine]} {found['skipped']}")
    fixes = set()
    for _ in range(5):  # each round builds what it was told
        if not mine:
            break
        fixes |= {f["fix"] for f in mine}
        for fix in (f["fix"] for f in mine):
            place.psql("-c", fix)
        mine = [f for f in place.findings("detect_missing_indexes", prove="branch", **ALL) if f["object"] == 'public.Odd "docs']
    equal({re.sub(r".* ON ", "", fix) for fix in fixes},
          {'public."Odd ""docs" USING gin ("the doc" pg_catalog.jsonb_path_ops)', 'public."Odd ""docs" USING gin (tags)',
           'public."Odd ""docs" USING gin (body trigrams.gin_trgm_ops)', 'public."Odd ""docs" (done) WHERE done',
           'public."Odd ""docs" (x) INCLUDE (size)'}, "what was proposed")
    equal(mine, [], "what is left to propose")
    place.sql('DROP TABLE "Odd ""docs"')


def a_drop_is_tried_where_it_is_done(place):
    unseen = "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;"
    place.sql("""CREATE TABLE goods (id int, code text, kind int); CREATE INDEX "goods ""code"" y" ON goods (code);
                 CREATE INDEX goods_kind ON goods (kind); CREATE INDEX parts_device ON parts (device);
                 INSERT INTO goods SELECT i, 'code ' || i, i % 7 FROM generate_series(1, 12000) i; ANALYZE goods; ANALYZE parts""")
    place.sql(unseen + "SELECT * FROM goods WHERE code = 'code 5'; SELECT * FROM goods WHERE kind = 5")
    now = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_bytes": 0}
    found = {f["object"]: f for f in place.findings("detect_unused_indexes", prove="branch", **now)}
    for name in ('public.goods "code" y', "public.parts_device"):
        contains(found[name]["reason"], "but dropped on the branch perf-index-", "it makes 1 of")
        holds(found[name]["evidence"]["its_cost_without"] > 2 * found[name]["evidence"]["its_cost_now"], f"costs {found[name]}")
    equal(place.sql("SELECT count(*) FROM pg_index WHERE indrelid IN ('goods'::regclass, 'parts'::regclass)"), "3", "indexes of production")
    equal(set(place.branches()), {"production"}, "branches afterwards")
    place.sql("DROP INDEX parts_device")


def what_ran_last_month_is_tried_there_too(version):
    """A report that the server has forgotten is planned where history has it, and asked about on the branch."""
    unseen = "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;"
    with Local(version, targets=TARGETS, more=KEEPS) as place:
        place.sql("""CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE TABLE sales (id int, month text, shop text);
            INSERT INTO sales SELECT i, 'month ' || i, 'shop ' || i FROM generate_series(1, 12000) i;
            CREATE INDEX sales_month ON sales (month); CREATE INDEX sales_shop ON sales (shop); ANALYZE;"""
                  + unseen + "SELECT sum(id) FROM sales WHERE month = 'month 5'")
        place.run("persist_pg_stat_statements")
        place.sql("SELECT pg_stat_statements_reset()")
        place.sql("SELECT count(*) FROM sales")
        now = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_bytes": 0}
        found = {f["object"]: f for f in place.findings("detect_unused_indexes", prove="branch", **now)}
        contains(found["public.sales_month"]["reason"], "but dropped on the branch perf-index-", "it makes 1 of",
                 ", which history saw last at 20")
        contains(found["public.sales_month"]["evidence"]["worst_statement_text"], "WHERE month = $1")
        contains(found["public.sales_shop"]["evidence"]["without_it"], "none is planned with it")
        asked = {f["evidence"]["statements_asked"] for f in found.values()}
        holds(len(asked) == 1 and asked.pop() >= 3, f"statements that were asked about are the same: {found}")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'sales'::regclass"), "2", "indexes of production")


def bloat_is_measured_where_it_is_built_anew(place):
    """Rows are gone and their room in the index is not; of one the statistics know nothing of what has become of it."""
    place.sql("""CREATE TABLE waste (id int, code text) WITH (autovacuum_enabled = off); CREATE INDEX "waste ""code"" y" ON waste (code);
                 INSERT INTO waste SELECT i, 'code ' || i FROM generate_series(1, 40000) i;
                 CREATE TABLE fresh (id int, code text) WITH (autovacuum_enabled = off); CREATE INDEX fresh_code ON fresh (code);
                 INSERT INTO fresh SELECT i, repeat('c', 400) || i FROM generate_series(1, 4000) i; ANALYZE fresh""")
    place.sql("DELETE FROM waste WHERE id % 10 <> 0")
    place.psql("-c", "VACUUM ANALYZE waste")
    place.sql("UPDATE pg_statistic SET stawidth = 20 WHERE starelid = 'fresh'::regclass")
    small = {"min_bytes": 100000}
    estimated = {f["object"]: f for f in place.findings("detect_bloated_indexes", **small)}
    equal(set(estimated), {'public.waste "code" y', "public.fresh_code"}, "by the statistics")
    holds(all("measured_bytes" not in f["evidence"] for f in estimated.values()), f"nothing was measured: {estimated}")
    planned = place.run("detect_bloated_indexes", plan=True, prove="branch", **small)["result"]
    contains(str(planned["skipped"]), "a plan makes no branch")
    equal(len(planned["findings"]), 2, "findings of a plan")
    none = place.findings("detect_bloated_indexes", prove="branch", max_rebuilds=0, **small)
    equal([f["evidence"] for f in none], [f["evidence"] for f in estimated.values()], "none may be built anew")

    found = place.run("detect_bloated_indexes", prove="branch", **small)["result"]
    equal([f["object"] for f in found["findings"]], ['public.waste "code" y'], f"by their sizes: {found['skipped']}")
    contains(str([s for s in found["skipped"] if s["object"] == "public.fresh_code"]), "built anew on a branch it takes")
    bloated = found["findings"][0]
    evidence = bloated["evidence"]
    contains(bloated["reason"], f"had on the branch {evidence['measured_on_branch']}")
    equal((bloated["confidence"]["label"], bloated["fix"]), ("high", 'REINDEX INDEX CONCURRENTLY public."waste ""code"" y"'), "what helps")
    contains(bloated["confidence"]["terms"], {"name": "size_was_measured", "points": 0.85})
    equal(bloated["impact"]["bytes"], evidence["bytes"] - evidence["measured_bytes"], "what it gains")
    equal(place.sql("""SELECT pg_relation_size('"waste ""code"" y"')"""), str(evidence["bytes"]), "production is as it was")
    equal(set(place.branches()), {"production"}, "branches afterwards")
    asks = {"min_minutes": 0, "min_calls": 1000000, "analysis_results": [bloated], "min_bloat_bytes": 100000, "prove": "branch", "apply": True}
    place.run("generate_index_recommendation", check=3, **asks)
    (request,) = place.approvals()
    rehearsal = request["evidence"]["not_compared"]
    contains(rehearsal["rehearsed_on_branch"], "perf-index-")
    holds(re.fullmatch("[0-9A-F]+/[0-9A-F]+", rehearsal["rehearsed_at_lsn"]), f"on which state it was tried: {request}")
    place.psql("-c", bloated["fix"])
    equal(place.sql("""SELECT pg_relation_size('"waste ""code"" y"')"""), str(evidence["measured_bytes"]), "the promise was kept")
    place.sql("DROP TABLE waste, fresh")


def rewritten(place, query, **params):
    """What was told of the ways to write it, and the result."""
    result = place.run(EXPLAIN, query=query, **params)["result"]
    return [e for e in result["evidence"] if "not_proven" in e["facts"]], result


def a_rewrite_is_executed_beside_it(place):
    place.sql(f"ALTER DATABASE \"{place.sql('SELECT current_database()')}\" SET work_mem = '64kB'")
    absent = ABSENT.format("id")
    told, result = rewritten(place, absent)
    equal([t["facts"]["not_proven"] for t in told], ["no branch was asked for to try it on"], "without a branch")
    told, result = rewritten(place, absent, prove="branch")
    proof = told[0]["facts"]
    holds(len(told) == 1 and proof["is_proven"] and proof["rows_compared"] == 299, f"the rule's rewrite: {told} {result['skipped']}")
    holds(proof["ms_with_it"] <= 0.9 * proof["ms_now"], f"its time: {proof}")
    contains(told[0]["sql"], "NOT EXISTS (SELECT 1 FROM (SELECT id FROM parts WHERE id > 20000)", "ORDER BY id")
    contains(str(result["explanation"]), "it returned the same 299 rows on a branch", "where one of the two sides is null they differ")
    told, result = rewritten(place, absent.replace("id < 300", "id < 300 AND o.note <> $1 /* but for one */"), prove="branch")
    proof = told[0]["facts"]
    holds(proof["is_proven"] and proof["sets_of_values"] >= 1 and proof["rows_compared"] > 0, f"with values of rows: {proof}")
    contains(str(result["explanation"]), "values for its parameters")
    told, result = rewritten(place, ABSENT.format("nullif(id, 20001)"), prove="branch", rewrite="DELETE FROM parts")
    contains(str(result["skipped"]), "it returns other rows: 0 are missing, 299 are new")  # what a null hides
    contains(told[0]["facts"]["not_proven"], "it does not only read")
    place.cli("target", "create", "perf-rewrite", "--ttl", "1h", check=0)
    plain = "SELECT id, note FROM \"Odd Orders\" WHERE id < 300 ORDER BY id"
    for rewrite, expected in ((plain + " DESC", (0, 0, False, False)), (plain.replace("300", "299"), (1, 0, True, False)),
                              (plain.replace("id, note", "id AS id, note"), (0, 0, True, False))):
        proof = place.run("prove_rewrite_on_branch", branch="perf-rewrite", original=plain, rewrite=rewrite, rounds=1)["result"]
        found = (proof["rows_missing"], proof["rows_added"], proof["is_in_order"], proof["is_unsteady"])
        equal(found, expected, f"{rewrite}: {proof}")
    values_are_taken_of_rows(place)
    unsteady = "SELECT random()"
    proof = place.run("prove_rewrite_on_branch", branch="perf-rewrite", original=unsteady, rewrite=unsteady)["result"]
    holds(proof["is_unsteady"], f"a statement that is never the same: {proof}")
    place.cli("target", "delete", "perf-rewrite", check=0)
    equal(place.sql("SELECT count(*) FROM parts"), "40000", "rows of production")


def a_statement_is_executed_there(place):
    query, patient = 'SELECT count(note) FROM "Odd Orders" WHERE customer_id = $1 AND id < $2', {"analyze": True, "timeout_ms": 60000}
    told = place.run(EXPLAIN, query=query, **patient)["result"]
    equal((told["is_executed"], told["not_executed"], told["has_made_up_values"]), (True, None, True), f"on a branch: {told['skipped']}")
    equal([(v["parameter"], v["is_made_up"]) for v in told["values"]], [(1, True), (2, True)], "its values")
    contains(str(told["values"]), '"Odd Orders".customer_id')
    contains(str(told["explanation"]), "executed once on a throwaway branch", "with values that were made up")
    contains(str(told["generic_plan"]), "$1")
    holds(told["plan"][0]["Execution Time"] > 0 and "$1" not in str(told["plan"]), f"the plan that was executed: {told['plan']}")
    asked = place.run("analyze_slow_queries_with_ai", min_mean_exec_ms=0, min_calls=5, review=False, **patient)["result"]
    loads = [a for a in asked["analyses"] if "count(note)" in a["query"]]
    equal([(a["is_executed"], a["has_made_up_values"]) for a in loads], [(True, True)] * 2, f"as they are counted: {asked['skipped']}")
    holds(all(a["execution_ms"] > 0 for a in loads), f"their times: {loads}")
    planned = place.run(EXPLAIN, plan=True, query=query, **patient)["result"]
    contains(planned["not_executed"], "a plan makes no branch")
    holds(planned["plan"] and planned["steps"], f"the plan for any values: {planned}")
    equal(set(place.branches()), {"production"}, "branches afterwards")


def values_are_taken_of_rows(place):
    """For $1 of statistics; the same in both, and in what is sorted by words that mean something else."""
    both = {"branch": "perf-rewrite", "rounds": 1}
    original = 'SELECT id, note AS x FROM "Odd Orders" /* as counted; */ WHERE id <= $1 AND note <> $2 ORDER BY x -- so;'
    rewrite = 'SELECT id, note AS x FROM "Odd Orders" WHERE $2 <> note AND id <= $1 ORDER BY x;'
    proof = place.run("prove_rewrite_on_branch", original=original, rewrite=rewrite, **both)["result"]
    holds(proof["sets_of_values"] >= 2 and proof["rows"] > 0 and not proof["has_guessed_values"], f"values of its rows: {proof}")
    equal((proof["rows_missing"], proof["rows_added"], proof["is_in_order"]), (0, 0, True), f"the same: {proof}")
    proof = place.run("prove_rewrite_on_branch", original=original, rewrite=rewrite.replace("<= $1", ">= $1"), **both)["result"]
    holds(proof["rows_missing"] > 0, f"other rows: {proof}")
    words = 'SELECT id AS x, -id AS y FROM "Odd Orders" WHERE id < 50 ORDER BY x'
    proof = place.run("prove_rewrite_on_branch", original=words,
                      rewrite='SELECT y AS x, -y AS y FROM (SELECT id AS y, -id AS x FROM "Odd Orders") o WHERE y < 50 ORDER BY o.x', **both)
    equal((proof["result"]["rows_missing"], proof["result"]["is_in_order"]), (0, False), f"the same words: {proof['result']}")
    unseen = 'SELECT note FROM "Odd Orders" WHERE id < 50 ORDER BY id'
    proof = place.run("prove_rewrite_on_branch", original=unseen, rewrite=unseen + " DESC", **both)["result"]
    equal((proof["is_order_seen"], proof["is_in_order"]), (False, False), f"by what it does not return: {proof}")


def what_cannot_be_tried_is_said(version):
    with Given(version) as place:
        place.sql(TABLES + LOAD)
        found = place.run("detect_missing_indexes", prove="branch", **ALL)["result"]
        contains(str(found["skipped"]), "nothing could be tried on a branch")
        equal([f["evidence"]["is_proven"] for f in found["findings"]], [False, False], "findings that nobody has proven")
        one = [{"schema": "public", "table": "parts", "columns": [{"name": "device"}], "equal": 1}]
        refused = place.run("prove_index_on_branch", candidates=one, check=1)
        contains(str(refused["error"]), "is no branch to throw away")
        told, result = rewritten(place, ABSENT.format("id"), prove="branch")
        contains(told[0]["facts"]["not_proven"], "nothing could be tried on a branch")
        contains(str(result["explanation"]), "may be faster, which nobody has proven")
        refused = place.run("prove_rewrite_on_branch", original="SELECT 1", rewrite="SELECT 1", check=1)
        contains(str(refused["error"]), "is no branch to throw away")
        refused = place.run("execute_on_branch", query="SELECT 1", check=1)
        contains(str(refused["error"]), "is no branch to throw away, so nothing is executed on it")
        place.run("analyze_slow_queries_with_ai", rewrite="SELECT 1", check=1)
        place.run("analyze_slow_queries_with_ai", values=["1"], check=1)
        place.run("prove_index_on_branch", candidates={"a": 1}, check=1)
        place.run("prove_index_on_branch", check=1)
        refused = place.run("rebuild_index_on_branch", indexes=[{"schema": "public", "name": "parts_a"}], check=1)
        contains(str(refused["error"]), "is no branch to throw away")
        place.run("rebuild_index_on_branch", indexes={"a": 1}, check=1)
        place.run("detect_missing_indexes", prove="perhaps", check=2)


def what_moves_meanwhile_is_not_asked_for(version):
    """Somebody alters the table while the index is built on the branch: nobody is asked for what was seen there."""
    gate = pathlib.Path(tempfile.mkdtemp(prefix="lbops-moves-"))
    gate.chmod(0o755)
    try:
        with Local(version, targets=TARGETS, more=ASKS) as place:
            place.sql(TABLES + LOAD)
            # Builds wait for a file, on the branch as well, which is a copy.
            place.sql(f"""CREATE FUNCTION waits() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                WHILE (pg_stat_file('{gate}/go', true)).size IS NULL LOOP PERFORM pg_sleep(0.05); END LOOP; END $$;
                CREATE EVENT TRIGGER waits ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION waits()""")
            wanted = [{"kind": "missing_index", "object": "public.Odd Orders"}]
            asks = {"min_minutes": 0, "min_table_bytes": 0, "analysis_results": wanted, "prove": "branch", "apply": True, **LIMITS}
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                run = pool.submit(place.run, "generate_index_recommendation", check=None, **asks)
                try:
                    ends = time.monotonic() + PATIENCE
                    while set(place.branches()) == {"production"}:
                        holds(not run.done() and time.monotonic() < ends, "it is tried on a branch")
                        time.sleep(0.05)
                    place.sql('ALTER TABLE "Odd Orders" ADD CHECK (customer_id >= 0)')
                finally:
                    (gate / "go").touch()
                result = run.result()["result"]
            contains(str([s for s in result["skipped"] if s["object"] == "public.Odd Orders"]), "altered while this was tried on a branch")
            equal(place.approvals(), [], "requests")
            equal(place.sql("SELECT count(*) FROM pg_indexes WHERE tablename = 'Odd Orders'"), "1", "indexes of production")
            place.run("generate_index_recommendation", check=3, **asks)
            (request,) = place.approvals()
            contains(request["evidence"]["not_compared"]["rehearsed_on_branch"], "perf-index-")
            equal(set(place.branches()), {"production"}, "branches afterwards")
    finally:
        remove(gate)


suite(*each_version(the_gain_is_measured_where_it_was_built, what_cannot_be_tried_is_said, what_ran_last_month_is_tried_there_too,
                    what_moves_meanwhile_is_not_asked_for), at_once=2)
