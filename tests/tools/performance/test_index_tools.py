"""The index tools at the edges: what they may not see, what is locked or being built, statements that run as they stand,
recommendations on their way through the gate."""

import concurrent.futures
import json
import re

from place import Given, contains, each_version, equal, holds, suite

from query_tables import forget_statements

TOOLS = ("detect_unused_indexes", "detect_duplicate_indexes", "detect_missing_fk_indexes", "detect_bloated_indexes",
         "detect_missing_indexes", "run_full_index_analysis", "generate_index_recommendation")
NOW = {"days": 0, "min_minutes": 0, "min_reads": 0}
SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, note text);
INSERT INTO customers SELECT i, 'name ' || i FROM generate_series(1, 500) i;
INSERT INTO orders SELECT i, 1 + i % 500, repeat('x', 40) FROM generate_series(1, 12000) i;
CREATE INDEX orders_note ON orders (note);
CREATE INDEX orders_note_again ON orders (note);
ANALYZE;
"""


def reasons(document):
    return " | ".join(f"{s['object']}: {s['reason']}" for s in document["result"].get("skipped", []))


def kinds(document):
    return sorted(f["kind"] for f in document["result"].get("findings", []))


def an_empty_database_is_examined(version):
    with Given(version) as place:
        for tool in TOOLS:
            result = place.run(tool)["result"]
            equal(result["findings"], [], f"findings of {tool}")
            holds(all(count == (what == "computes") for what, count in result["examined"].items()), f"{tool} examined {result['examined']}")


def wrong_input_is_refused(version):
    with Given(version) as place:
        for tool, params in (("detect_unused_indexes", {"days": -1}), ("detect_unused_indexes", {"days": "many"}),
                             ("detect_bloated_indexes", {"threshold": 0.5}), ("detect_missing_indexes", {"min_share": 2}),
                             ("detect_duplicate_indexes", {"days": 1}),
                             ("generate_index_recommendation", {"analysis_results": "no json"})):
            place.run(tool, check=2, **params)
        failed = place.run("generate_index_recommendation", check=1, analysis_results='{"rows": []}')
        contains(failed["error"]["message"], "no list of findings")


def a_young_server_says_so(version):
    with Given(version) as place:
        place.sql(SHOP)
        found = place.run("detect_unused_indexes", min_bytes=0)
        equal(kinds(found), [], "verdicts without days of counting")
        contains(reasons(found), "insufficient data")
        low = place.findings("detect_unused_indexes", min_bytes=0, **NOW)
        equal({f["confidence"]["label"] for f in low}, {"low"}, "confidence of hours of counting")
        equal({f["object"] for f in low}, {"public.orders_note", "public.orders_note_again"}, "unused indexes")


def definitions(place):
    return place.sql("SELECT pg_get_indexdef(i.indexrelid), k.conname, k.contype FROM pg_index i"
                     " LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype <> 'f'"
                     " WHERE i.indrelid >= 16384").splitlines()


def every_fix_runs_and_ends_the_finding(version):
    long_name = "ö" * 31
    with Given(version) as place:
        place.sql(SHOP + f"""
            CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg;
            CREATE SCHEMA "Odd one";
            CREATE TABLE "Odd one"."{long_name}" ("the ""k"" y" int REFERENCES customers, half int REFERENCES customers, v int);
            INSERT INTO "Odd one"."{long_name}" SELECT 1 + i % 500, CASE WHEN i % 5 = 0 THEN 1 + i % 500 END, i
              FROM generate_series(1, 12000) i;
            CREATE TABLE tree (id int, customer_id int REFERENCES customers) PARTITION BY HASH (id);
            CREATE TABLE tree_1 PARTITION OF tree FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            CREATE TABLE tree_2 PARTITION OF tree FOR VALUES WITH (MODULUS 2, REMAINDER 1);
            INSERT INTO tree SELECT i, 1 + i % 500 FROM generate_series(1, 24000) i;
            CREATE INDEX tree_id ON tree (id);
            ALTER TABLE customers ADD UNIQUE (id);
            CREATE TABLE orders_customer_id_idx (id int);
            ANALYZE; ANALYZE tree;""" + "SELECT * FROM orders WHERE note = 'x';" * 12
                  + f'SELECT * FROM "Odd one"."{long_name}" WHERE v = 7;' * 12)
        limits = {**NOW, "min_unused_bytes": 0, "min_bloat_bytes": 0, "threshold": 1.2, "min_table_bytes": 0,
                  "min_calls": 10, "min_mean_ms": 0}
        found = place.run("run_full_index_analysis", **limits)["result"]["findings"]
        fixes = {f["object"] + " " + f["kind"]: f["fix"] for f in found}
        equal({f["kind"] for f in found}, {"unused_index", "duplicate_index", "missing_fk_index", "missing_index"}, "kinds")
        contains(fixes["public.orders missing_fk_index"], "orders_customer_id_idx1 ON public.orders (customer_id)")
        equal(next(f["impact"]["level"] for f in found if f["object"] == "public.orders" and f["kind"] == "missing_fk_index"),
              "warning", "a key whose rows go with those they refer to")
        statements = [fix for f in found for fix in f["fix"].split(";\n")]
        before = definitions(place)
        contains("; ".join(statements), "WHERE half IS NOT NULL", "CREATE INDEX tree_customer_id_idx ON ONLY public.tree (",
                 "ALTER TABLE public.customers DROP CONSTRAINT customers_id_key")
        for fix in statements:
            holds(all(len(name.encode()) <= 63 for name in re.findall(r'CONCURRENTLY "?(\w+)', fix)), f"names in {fix}")
            place.psql("-c", fix)
        equal(place.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0", "invalid indexes afterwards")
        place.sql("ANALYZE")
        again = place.run("run_full_index_analysis", **{**limits, "min_unused_bytes": 1 << 40})
        equal([(f["object"], f["reason"]) for f in again["result"]["findings"]], [], "findings after their fixes")
        undone = [f["evidence"]["undo"] for f in found if f["evidence"].get("undo")]
        for undo in undone:
            place.psql("-c", undo)
        equal(set(before) - set(definitions(place)), set(), f"what is not as it was after {undone}")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0", "invalid indexes after the undo")


def a_drop_is_tried_before_it_is_proposed(version):
    unseen = "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;"
    with Given(version) as place:
        place.sql("""CREATE EXTENSION pg_stat_statements; CREATE SCHEMA "What if";
            CREATE TABLE goods (id int, code text, kind int, size int);
            INSERT INTO goods SELECT i, 'code ' || i, i % 7, i FROM generate_series(1, 12000) i;
            CREATE INDEX "goods ""code"" y" ON goods (code); CREATE INDEX goods_kind ON goods (kind);
            CREATE INDEX goods_part ON goods (size) WHERE kind = 3;
            CREATE INDEX goods_id ON goods (id); CREATE INDEX goods_id_kind ON goods (id, kind);
            CREATE TABLE tree (id int, code text) PARTITION BY HASH (id);
            CREATE TABLE tree_1 PARTITION OF tree FOR VALUES WITH (MODULUS 1, REMAINDER 0);
            INSERT INTO tree SELECT i, 'code ' || i FROM generate_series(1, 12000) i; CREATE INDEX tree_code ON tree (code);
            ANALYZE; ANALYZE tree;""" + unseen + "SELECT * FROM goods WHERE code = 'code 5'; SELECT * FROM goods WHERE id = 7;"
                  " SELECT * FROM tree WHERE code = 'code 5'")

        def tried(tool, **params):
            return {f["object"]: (f["evidence"], f["reason"], {t["name"]: t["points"] for t in f["confidence"]["terms"]})
                    for f in place.findings(tool, **params)}
        before = tried("detect_unused_indexes", min_bytes=0, **NOW)
        equal({e["without_it"] for e, _, _ in before.values()}, {"not tried: HypoPG is not installed"}, "without HypoPG")
        equal({e["is_tried_without"] for e, _, _ in before.values()}, {False}, "is it tried?")
        equal({name for name, (_, reason, _) in before.items() if "ACCESS EXCLUSIVE" in reason}, {"public.tree_code"}, "who is locked out")
        place.sql('CREATE EXTENSION hypopg SCHEMA "What if"')
        unused = tried("detect_unused_indexes", min_bytes=0, **NOW)
        if place.sql("SELECT count(*) FROM pg_proc WHERE proname = 'hypopg_hide_index'") == "0":
            equal({e["without_it"] for e, _, _ in unused.values()},
                  {"not tried: HypoPG hides indexes from its version 1.4 on"}, "an older HypoPG")
            return
        for name in ('public.goods "code" y', "public.tree_code"):
            evidence, reason, terms = unused[name]
            contains(reason, "but hidden from the planner, it makes 1 of")
            equal((evidence["is_tried_without"], evidence["statements_worse"]), (True, 1), f"statements worse without {name}")
            holds(evidence["worst_statement"] and evidence["its_cost_without"] > 2 * evidence["its_cost_now"], f"costs {evidence}")
            equal(terms["plans_without_it"], -0.55, "its points")
        contains(unused["public.goods_kind"][0]["without_it"], "none is planned with it")
        contains(unused["public.goods_part"][0]["without_it"], "not tried: a plan for values that are not known")
        (redundant,) = tried("detect_duplicate_indexes").values()
        contains(redundant[0]["without_it"], "none ")  # of both, the planner may take either
        equal((redundant[0]["statements_worse"], redundant[2]["plans_without_it"]), (0, 0.05), "what the longer one does as well")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'goods'::regclass"), "5", "indexes afterwards")


def what_is_locked_is_left_out(version):
    with Given(version) as place:
        place.sql(SHOP)
        holder = place.session()
        holder.stdin.write("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        equal(holder.stdout.readline().strip(), "held", "the lock")
        try:
            for tool in TOOLS[:-1]:
                done = place.run(tool, **({"days": 0, "min_minutes": 0} if tool == TOOLS[0] else {}))
                holds(done["duration_ms"] < 4500, f"{tool} waited for a lock: {done['duration_ms']} ms")
            contains(reasons(place.run("detect_bloated_indexes", min_bytes=0)), "3 indexes: their tables are locked")
        finally:
            holder.stdin.write("ROLLBACK;\n\\q\n")
            holder.communicate()


def a_build_under_way_is_no_ruin(version):
    with Given(version) as place:
        place.sql(SHOP)
        writer, builder = place.session(), place.session()
        writer.stdin.write("BEGIN; INSERT INTO orders VALUES (0, 1, ''); SELECT 'wrote';\n")
        equal(writer.stdout.readline().strip(), "wrote", "the writer")
        try:
            builder.stdin.write("SELECT 'building';\nCREATE INDEX CONCURRENTLY slow ON orders (customer_id);\n")
            equal(builder.stdout.readline().strip(), "building", "the builder")
            place.sql("DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_progress_create_index p JOIN pg_class c "
                      "ON c.oid = p.index_relid WHERE c.relname = 'slow') LOOP PERFORM pg_sleep(0.01); "
                      "PERFORM pg_stat_clear_snapshot(); END LOOP; END $$")
            seen = place.run("detect_unused_indexes", **NOW)
            equal(kinds(seen), [], "findings during a build")
            contains(reasons(seen), "public.slow: it is being built")
            cover = place.run("detect_missing_fk_indexes")
            equal(kinds(cover), [], "an index for the key beside the one that is being built")
            contains(reasons(cover), "1 foreign key: an index that serves it is being built")
        finally:
            writer.stdin.write("ROLLBACK;\n\\q\n")
            writer.communicate()
            builder.stdin.write("\\q\n")
            builder.communicate()
        equal(place.findings("detect_missing_fk_indexes"), [], "cover afterwards")


def an_invalid_one_is_rebuilt_and_gets_no_twin(version):
    limits = {**NOW, "min_table_bytes": 0, "min_unused_bytes": 1 << 40, "min_mean_ms": 0, "min_calls": 10}
    with Given(version) as place:
        place.sql(SHOP + """CREATE EXTENSION pg_stat_statements; CREATE INDEX slow ON orders (customer_id);
            ALTER TABLE orders ADD tags int[]; UPDATE orders SET tags = ARRAY[id, id + 1]; CREATE INDEX looked ON orders USING gin (tags);
            ANALYZE;""" + "SELECT count(note) FROM orders WHERE customer_id = 5; SELECT count(note) FROM orders WHERE tags @> '{7}';" * 12)

        def spoil():
            place.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('slow'::regclass, 'looked'::regclass)")

        def fixes():
            found = place.run("run_full_index_analysis", **limits)
            return sorted(f["fix"] for f in found["result"]["findings"] if f["kind"] != "duplicate_index"), reasons(found)
        spoil()
        proposed, passed = fixes()
        equal(proposed, ["REINDEX INDEX CONCURRENTLY public.looked", "REINDEX INDEX CONCURRENTLY public.slow"], "one for each need")
        contains(passed, "1 foreign key: an index that would serve it is invalid, and its rebuild is proposed",
                 "statements: an index that would serve them is invalid, and its rebuild is proposed")
        place.run("generate_index_recommendation", apply=True, check=3, **limits)
        equal(place.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass"), "5", "indexes: none was built")
        spoil()
        place.sql("ALTER INDEX slow RENAME TO slow_ccnew; ALTER INDEX looked RENAME TO looked_ccnew")
        left, _ = fixes()
        equal([fix.partition(" public.")[0] for fix in left if "_ccnew" in fix], ["DROP INDEX CONCURRENTLY"] * 2, "what a rebuild has left goes")
        contains(" ".join(left), "ON public.orders (customer_id)", "ON public.orders USING gin (tags)")


def what_lbops_keeps_for_itself_is_left_out(version):
    with Given(version) as place:
        place.sql("CREATE EXTENSION pg_stat_statements; CREATE SCHEMA lbops_archive; CREATE SCHEMA lbopstheirs;"
                  + "".join(f"SET search_path = {home}; {SHOP}" for home in ("lbops_archive", "lbopstheirs")))
        place.sql("SELECT note FROM lbops_archive.orders WHERE note = 'x'; SELECT note FROM lbopstheirs.orders WHERE id = 7;" * 12)
        found = place.run("run_full_index_analysis", **NOW, min_unused_bytes=0, min_table_bytes=0, min_mean_ms=0, min_calls=10)
        contains(kinds(found), "duplicate_index", "missing_fk_index")
        equal({f["object"].partition(".")[0] for f in found["result"]["findings"]}, {"lbopstheirs"}, "whose they are")
        holds("lbops_archive" not in json.dumps(found), f"a word of ours: {found}")


def a_weak_role_is_told_what_it_cannot_see(version):
    with Given(version) as place:
        role = f"weak_{place.database}"
        place.sql(SHOP + f"CREATE EXTENSION pg_stat_statements; CREATE ROLE {role} LOGIN;" + "SELECT * FROM orders WHERE note = '';" * 60)
        try:
            env = {f"LBOPS_TEST_PG{version}": place.server.replace("//postgres@", f"//{role}@")}
            bloat = place.run("detect_bloated_indexes", min_bytes=0, env=env)
            contains(reasons(bloat), "not ours to read")
            missing = place.run("detect_missing_indexes", min_bytes=0, min_mean_ms=0, env=env)
            contains(reasons(missing), "may not be seen by this role")
            equal(kinds(missing), [], "findings without statements' texts")
            equal(kinds(place.run("detect_duplicate_indexes", env=env)), ["duplicate_index"], "what the catalogue shows")
        finally:
            place.sql(f"DROP ROLE {role}")


def without_statements_and_hypopg_less_is_claimed(version):
    with Given(version) as place:
        place.sql(SHOP + "DO $$ BEGIN FOR i IN 1..120 LOOP PERFORM FROM orders WHERE customer_id = i; END LOOP; END $$;")
        young = place.run("detect_missing_indexes", min_bytes=0, min_rows=10000, min_minutes=10**9)
        contains(reasons(young), "scans of tables: insufficient data")
        equal(kinds(young), [], "what scans of so short a time show")
        bare = place.run("detect_missing_indexes", min_bytes=0, min_rows=10000, min_minutes=0)
        contains(reasons(bare), "pg_stat_statements is not installed")
        equal(kinds(bare), ["sequential_scans"], "what scans alone show")
        equal((bare["result"]["findings"][0]["fix"], bare["result"]["findings"][0]["confidence"]["label"]), (None, "low"),
              "a fix without knowing the columns")
        place.sql("CREATE EXTENSION pg_stat_statements VERSION '1.7';" + "SELECT * FROM orders WHERE customer_id = 5;" * 12)
        older = place.findings("detect_missing_indexes", min_bytes=0, min_calls=10, min_mean_ms=0)  # total_time, as it was called
        equal([(f["evidence"]["calls"], f["evidence"]["evictions"]) for f in older], [(12, None)], "what an extension shows that nobody has updated")
        place.sql("ALTER EXTENSION pg_stat_statements UPDATE")
        unproven = place.findings("detect_missing_indexes", min_bytes=0, min_calls=10, min_mean_ms=0)
        equal([f["kind"] for f in unproven], ["missing_index"], "what statements show")
        contains(unproven[0]["reason"], "HypoPG is not installed")
        holds(unproven[0]["evidence"]["evictions"] >= 0, f"how many were dropped to make room: {unproven[0]}")
        place.sql("CREATE SCHEMA what_if; CREATE EXTENSION hypopg SCHEMA what_if;")
        proven = place.findings("detect_missing_indexes", min_bytes=0, min_calls=10, min_mean_ms=0)
        holds(proven[0]["confidence"]["value"] > unproven[0]["confidence"]["value"] and proven[0]["evidence"]["is_proven"],
              f"proof: {proven[0]}")


def what_has_grown_since_is_not_bloated(version):
    with Given(version) as place:
        place.sql("""CREATE TABLE grown (k int, v int) WITH (autovacuum_enabled = off); CREATE INDEX grown_k ON grown (k);
                     INSERT INTO grown SELECT i, i FROM generate_series(1, 20000) i""")
        place.sql("VACUUM ANALYZE grown")
        place.sql("INSERT INTO grown SELECT i, i FROM generate_series(20001, 80000) i")
        equal(place.findings("detect_bloated_indexes", min_bytes=0), [], "four times the rows that were counted")
        place.sql("DELETE FROM grown WHERE v % 10 > 0")
        place.sql("VACUUM grown")
        equal([f["object"] for f in place.findings("detect_bloated_indexes", min_bytes=0)], ["public.grown_k"], "a tenth is left")


def what_splits_leave_empty_is_not_bloat(version):
    """Below 1.5 times no number of bytes is bloat: any index that is written looks so soon after it is new."""
    with Given(version) as place:
        for name, kept in (("split", 75), ("wide", 55)):
            place.sql(f"""CREATE TABLE {name} (k int) WITH (autovacuum_enabled = off);
                          INSERT INTO {name} SELECT i FROM generate_series(1, 50000) i;
                          CREATE UNIQUE INDEX {name}_k ON {name} (k); DELETE FROM {name} WHERE k % 100 >= {kept}""")
            place.sql(f"VACUUM ANALYZE {name}")
        found = place.findings("detect_bloated_indexes", min_bytes=0, threshold=3, wasted_bytes=1000)
        equal([f["object"] for f in found], ["public.wide_k"], "what bytes alone make a finding")
        holds(1.5 <= found[0]["evidence"]["ratio"] < 3, f"ratio: {found[0]['evidence']}")
        whole = place.findings("run_full_index_analysis", min_bloat_bytes=0, threshold=3, wasted_bytes=1000)
        equal([f["object"] for f in whole if f["kind"] == "bloated_index"], ["public.wide_k"], "in the whole analysis")
        lower = place.findings("detect_bloated_indexes", min_bytes=0, threshold=1.2)
        equal(sorted(f["object"] for f in lower), ["public.split_k", "public.wide_k"], "whoever asks for less gets it")


def strange_tables_do_no_harm(version):
    with Given(version) as place:
        place.sql("""
            CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
            CREATE FOREIGN TABLE away (id int) SERVER far;
            CREATE UNLOGGED TABLE loose (id int, a int); INSERT INTO loose SELECT i, i FROM generate_series(1, 12000) i;
            CREATE INDEX loose_a ON loose (a); CREATE INDEX loose_b ON loose (a);
            CREATE MATERIALIZED VIEW seen AS SELECT * FROM loose; CREATE INDEX seen_a ON seen (a); CREATE INDEX seen_b ON seen (a, id);
            CREATE TABLE old (id int); CREATE TABLE young () INHERITS (old); CREATE INDEX young_id ON young (id);
            ANALYZE""")
        other = place.session()
        other.stdin.write("CREATE TEMP TABLE mine (id int); CREATE INDEX ON mine (id); CREATE INDEX ON mine (id); SELECT 'made';\n")
        equal(other.stdout.readline().strip(), "made", "a temporary table")
        for tool in TOOLS:
            place.run(tool)
        found = {f["object"] for f in place.findings("detect_duplicate_indexes")}
        equal(len(found & {"public.loose_a", "public.loose_b"}), 1, "one of two equal ones")
        equal(found - {"public.loose_a", "public.loose_b"}, {"public.seen_a"}, "duplicates")
        other.communicate("\\q\n")


def one_index_of_a_table_goes_at_a_time(version):
    tool, limits = "generate_index_recommendation", {**NOW, "min_unused_bytes": 0, "min_confidence": 0.5}
    with Given(version) as place:
        place.sql("""CREATE TABLE goods (a int, b int); CREATE TABLE others (a int);
                     CREATE INDEX goods_a ON goods (a); CREATE INDEX goods_a_2 ON goods (a); CREATE INDEX others_a ON others (a);
                     CREATE INDEX goods_b ON goods (b); CREATE INDEX goods_b_2 ON goods (b); CREATE INDEX others_a_2 ON others (a)""")
        equal(len(place.findings("detect_duplicate_indexes")), 3, "duplicates")
        first = place.run(tool, **limits)
        tables = [r["object"].split("_")[0] for r in first["result"]["recommendations"]]
        equal(sorted(tables), ["public.goods", "public.others"], "tables of the drops")
        contains(reasons(first), "one index of a table is dropped a day, and this run has another")
        again = place.run(tool, **limits)["result"]["recommendations"]
        equal([r["object"] for r in again], [r["object"] for r in first["result"]["recommendations"]], "the same ones again")


def constraints(place, table):
    return place.sql(f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{table}'::regclass ORDER BY 1")


def a_unique_index_can_store_what_its_twin_does(version):
    indexes = """SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '"Odd goods"'::regclass ORDER BY 1"""
    with Given(version) as place:
        place.sql("""CREATE TABLE "Odd goods" (code text, kind int, size int, note text); CREATE TABLE people (id int, name text);
            CREATE TABLE idle (id int, name text); CREATE TABLE near (id int, name text);
            INSERT INTO "Odd goods" SELECT 'code ' || i, i % 7, i, 'x' FROM generate_series(1, 12000) i;
            INSERT INTO people SELECT i, 'name ' || i FROM generate_series(1, 12000) i; INSERT INTO near SELECT * FROM people;
            CREATE INDEX "with ""more"" y" ON "Odd goods" (lower(code), kind DESC) INCLUDE (size) WHERE kind < 5;
            CREATE INDEX people_more ON people (id) INCLUDE (name); CREATE INDEX idle_more ON idle (id) INCLUDE (name);
            CREATE INDEX near_more ON near (id) INCLUDE (name) WHERE id > 5; ANALYZE;
            SET enable_seqscan = off; SET enable_bitmapscan = off;
            SELECT size FROM "Odd goods" WHERE lower(code) = 'code 8' AND kind < 5;
            SELECT name FROM people WHERE id = 7; SELECT name FROM near WHERE id = 7;
            CREATE UNIQUE INDEX "only once" ON "Odd goods" (lower(code), kind DESC) WHERE kind < 5;
            ALTER TABLE people ADD PRIMARY KEY (id); CREATE UNIQUE INDEX idle_id ON idle (id); CREATE UNIQUE INDEX near_id ON near (id)""")
        result = place.run("detect_duplicate_indexes")["result"]
        equal({(f["object"], f["kind"], f["confidence"]["label"]) for f in result["findings"]},
              {('public.with "more" y', "include_twin", "low"), ("public.people_more", "include_twin", "low")}, "twins")
        contains(reasons({"result": result}), "1 index: it stores more than a unique index of the same keys, and no scan of it is counted")
        found = {f["object"]: f for f in result["findings"]}
        bound, twin = found["public.people_more"], found['public.with "more" y']
        equal((bound["fix"], bound["evidence"]["constraint"]), (None, "people_pkey"), "one behind which a constraint stands")
        contains(bound["reason"], "but a constraint stands on it, which has to be given the new one within one transaction")
        before, steps = place.sql(indexes), twin["fix"].split(";\n")
        equal((twin["evidence"]["unique_index"], len(steps)), ("only once", 3), "what is merged")
        told = place.run("generate_index_recommendation", min_confidence=0)
        contains(reasons(told), "its statements are advice: nobody is asked to agree to them here")
        for step in steps:
            place.psql("-c", step)
        (left,) = place.sql(indexes).splitlines()
        contains(left, "CREATE UNIQUE INDEX", "lower(code)", "DESC", "INCLUDE (size)", "WHERE (kind < 5)")
        equal([f["object"] for f in place.findings("detect_duplicate_indexes")], ["public.people_more"], "what is left to say")
        for step in twin["evidence"]["undo"].split(";\n"):
            place.psql("-c", step)
        equal(place.sql(indexes), before, "after its undo")


def a_foreign_key_is_there_once(version):
    with Given(version) as place:
        place.sql(SHOP + """CREATE TABLE places (x int, y int, UNIQUE (x, y)); CREATE TABLE "Odd visits" (a int, b int);
            ALTER TABLE orders ADD CONSTRAINT "once ""more"" y" FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE NOT VALID;
            ALTER TABLE orders ADD CONSTRAINT softly FOREIGN KEY (customer_id) REFERENCES customers;
            ALTER TABLE "Odd visits" ADD CONSTRAINT here FOREIGN KEY (a, b) REFERENCES places (x, y);
            ALTER TABLE "Odd visits" ADD CONSTRAINT turned FOREIGN KEY (b, a) REFERENCES places (y, x);
            ALTER TABLE "Odd visits" ADD CONSTRAINT crossed FOREIGN KEY (a, b) REFERENCES places (y, x)""")

        def twice(tool="detect_duplicate_indexes"):
            return {f["object"]: f for f in place.findings(tool) if f["kind"] == "duplicate_foreign_key"}
        found, drop = twice(), "ALTER TABLE public.{} DROP CONSTRAINT {}".format
        equal({name: (f["evidence"]["kept"], f["fix"], f["confidence"]["label"]) for name, f in found.items()},
              {'public.orders.once "more" y': ("orders_customer_id_fkey", drop("orders", '"once ""more"" y"'), "high"),
               "public.orders.softly": ("orders_customer_id_fkey", None, "low"),
               "public.Odd visits.turned": ("here", drop('"Odd visits"', "turned"), "high")}, "keys that are there twice")
        contains(found["public.orders.softly"]["reason"], "but they differ in what a delete or an update does there")
        equal(set(twice("run_full_index_analysis")), set(found), "in the whole analysis")
        before = constraints(place, "orders"), constraints(place, '"Odd visits"')
        superfluous = [f for f in found.values() if f["fix"]]
        for finding in superfluous:
            place.psql("-c", finding["fix"])
        equal(set(twice()), {"public.orders.softly"}, "once they have gone")
        for finding in superfluous:
            place.psql("-c", finding["evidence"]["undo"])
        equal((constraints(place, "orders"), constraints(place, '"Odd visits"')), before, "after the undo")


def recommendations_keep_their_name_and_pass_the_gate(version):
    limits = {**NOW, "min_unused_bytes": 0, "min_table_bytes": 0, "min_confidence": 0.5}
    with Given(version) as place:
        place.sql(SHOP)
        planned = place.run("generate_index_recommendation", plan=True, apply=True, **limits)
        equal({c["executed"] for c in planned["changes"]}, {False}, "a plan")
        first = place.run("generate_index_recommendation", **limits)["result"]["recommendations"]
        equal(sorted(r["type"] for r in first), ["create_fk_index", "drop_duplicate"], "recommendations")
        equal({r["status"] for r in first}, {"pending_review"}, "their status")
        second = place.run("generate_index_recommendation", **limits)["result"]["recommendations"]
        equal([r["recommendation_id"] for r in second], [r["recommendation_id"] for r in first], "ids")
        rows = place.waiting("index_recommendations")
        holds(all(r["ddl_statement"] and r["evidence"] and 0 <= r["confidence_value"] <= 1 for r in rows), f"rows {rows}")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass"), "3", "indexes, unchanged")

        dropped = next(r for r in first if r["type"] == "drop_duplicate")["object"]
        analysis = json.dumps(place.run("detect_duplicate_indexes")["result"])
        only = place.run("generate_index_recommendation", analysis_results=analysis, apply=True, check=3, **limits)
        equal([r["object"] for r in only["result"]["recommendations"]], [dropped], "what was asked for")
        equal(place.sql(f"SELECT to_regclass('{dropped}') IS NOT NULL"), "t", "the index while somebody is asked")
        (request,) = place.approvals()
        place.approve(request["id"])
        equal(place.sql(f"SELECT to_regclass('{dropped}') IS NULL"), "t", "the index after the approval")
        left = place.run("generate_index_recommendation", analysis_results=analysis, **limits)
        equal(left["result"].get("recommendations", []), [], "the same finding, when it no longer holds")

        applied = place.run("generate_index_recommendation", apply=True, **limits)["result"]
        equal([(r["type"], r["status"]) for r in applied["recommendations"]], [("create_fk_index", "executed")], "additive")
        equal(place.findings("detect_missing_fk_indexes"), [], "the key afterwards")
        holds("executed" in {r["status"] for r in place.waiting("index_recommendations")}, "a row of what was executed")


def a_build_waits_for_whoever_came_before(version):
    """It locks nobody out meanwhile; a limit for locks would leave an invalid index."""
    waits = ("SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()"
             " WHERE l.locktype = 'virtualxid' AND NOT l.granted AND l.waitstart < clock_timestamp() - interval '6 s'")
    with Given(version) as place, concurrent.futures.ThreadPoolExecutor() as aside:
        place.sql(SHOP)
        analysis = json.dumps(place.run("detect_missing_fk_indexes")["result"])
        old = place.session()
        old.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'old' FROM orders LIMIT 1;\n")
        equal(old.stdout.readline().strip(), "old", "the transaction")
        try:
            run = aside.submit(place.run, "generate_index_recommendation", analysis_results=analysis, apply=True, **NOW,
                               min_unused_bytes=0, min_table_bytes=0, min_confidence=0)
            while not run.done() and place.sql(waits) == "f":
                pass
        finally:
            old.stdin.write("ROLLBACK;\n\\q\n")
            old.communicate()
        made = run.result()["result"]["recommendations"]
        equal([(r["type"], r["status"]) for r in made], [("create_fk_index", "executed")], "what was built")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0", "ruins")
        equal(place.findings("detect_missing_fk_indexes"), [], "the key afterwards")


def one_index_serves_a_key_and_those_who_look_by_it(version):
    """Statements that ask for the columns of a foreign key get the key's index, and no twin of it."""
    asked = {"min_minutes": 0, "min_rows": 0, "min_table_bytes": 0, "min_mean_ms": 0, "min_calls": 10}
    with Given(version) as place:
        place.sql(SHOP + "CREATE EXTENSION pg_stat_statements;" + "SELECT count(note) FROM orders WHERE customer_id = 5;" * 12)
        alone = [f["fix"] for f in place.findings("detect_missing_indexes", min_bytes=0,
                                                  **{k: v for k, v in asked.items() if k != "min_table_bytes"})]
        holds(any("(customer_id)" in (fix or "") for fix in alone), f"statements ask for it: {alone}")
        found = place.run("run_full_index_analysis", **asked)["result"]
        both = [f["kind"] for f in found["findings"] if "(customer_id)" in (f["fix"] or "")]
        equal(both, ["missing_fk_index"], "findings that would make it")
        contains(str(found["skipped"]), "the index that is proposed for a foreign key serves it")


def nothing_is_claimed_of_statements_that_nobody_looked_at(version):
    """A table may be read in full by what is below the limits, or was forgotten; a partition is, where its parent is asked for."""
    limits = {"min_bytes": 0, "min_minutes": 0, "min_mean_ms": 0, "min_calls": 10}
    unknown = "by which statements is not known: none that was looked at is known to name it"
    with Given(version) as place:
        place.sql(SHOP + """CREATE EXTENSION pg_stat_statements; CREATE TABLE tree (id int, k int) PARTITION BY RANGE (id);
            CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (12001); INSERT INTO tree SELECT i, i % 500 FROM generate_series(1, 12000) i;
            ANALYZE tree;""" + "SELECT count(*) FROM tree WHERE k = 5; SELECT max(customer_id) FROM orders;" * 120)

        def read_in_full(**more):
            result = place.run("detect_missing_indexes", **{**limits, **more})["result"]
            told = {s["object"]: s["reason"] for s in result["skipped"] if s["object"] in ("public.tree_1", "public.orders")}
            return [f["object"] for f in result["findings"]], told
        found, told = read_in_full()
        equal((found, sorted(told)), (["public.tree"], ["public.orders"]), f"a partition whose parent is asked for: {told}")
        contains(told["public.orders"], "read in full", "no index follows from the statements that were looked at, and which others read it is not known")
        found, told = read_in_full(min_calls=1000)
        equal((found, sorted(told)), ([], ["public.orders", "public.tree_1"]), "statements below the limits")
        contains(told["public.orders"], unknown)
        contains(told["public.tree_1"], unknown)
        forget_statements(place)
        found, told = read_in_full()
        equal((found, sorted(told)), ([], ["public.orders", "public.tree_1"]), "statements that were forgotten")
        contains(told["public.tree_1"], unknown)


def each_statement_that_asks_for_nothing_is_told_why(version):
    computed = "it compares what a function, a cast or an operator makes of a column"
    why = {
        "lower(note) = 'x 7'": computed, "amount::text = '7'": computed, "doc ->> 'k' = '7'": computed, "n + 1 = 7": computed,
        "n = 7 OR amount = 7": "it joins conditions by OR", "n <> 7": "it compares in ways that no index is proposed for",
        "id IN (SELECT id FROM small)": "it compares in ways that no index is proposed for",
        "few = 7": "has too few values", "n > 7": "leaves too much of a table", "id = 7": "an index that is there can serve it",
        "id > 7": "an index that is there can serve it", "tags @> ARRAY[7]": "an index that is there can serve it",
        "span @> 7": "it compares in ways that no index is proposed for",
    }
    limits = {"min_bytes": 0, "min_mean_ms": 0, "min_calls": 10}
    with Given(version) as place:
        place.sql("""CREATE EXTENSION pg_stat_statements; CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small VALUES (7);
            CREATE TABLE notes (id int PRIMARY KEY, n int, few int, amount numeric, note text, doc jsonb, tags int[], span int4range);
            INSERT INTO notes SELECT i, i, i % 2, i, 'x ' || i, jsonb_build_object('k', i), ARRAY[i], int4range(i, i + 2) FROM generate_series(1, 12000) i;
            CREATE INDEX ON notes USING gin (tags); ANALYZE""")

        def told(statement, **more):
            forget_statements(place)
            place.psql("-o", "/dev/null", text=";".join([statement] * 12))
            result = place.run("detect_missing_indexes", **{**limits, **more})["result"]
            return len(result["findings"]), [s["reason"] for s in result["skipped"] if s["object"] == "1 statement"]
        cases = {f"SELECT count(*) FROM notes WHERE {condition}": reason for condition, reason in why.items()}
        cases |= {"SELECT max(n) FROM notes": "it has no condition that would find rows",
                  "SELECT id FROM small WHERE id = 7": "smaller than min_rows or min_bytes",
                  "SELECT count(*) FROM pg_class": "none of its tables is known here by its name"}
        for statement, reason in cases.items():
            found, reasons_told = told(statement)
            equal((found, len(reasons_told)), (0, 1), f"{statement}: {reasons_told}")
            contains(reasons_told[0], reason)
        wanted = "SELECT count(*) FROM notes WHERE n = 7"
        equal(told(wanted), (1, []), "one that asks for an index")
        found, reasons_told = told(wanted, min_bytes=1 << 40)
        equal((found, len(reasons_told)), (0, 1), f"a table that is small: {reasons_told}")
        contains(reasons_told[0], "smaller than min_rows or min_bytes")


suite(*each_version(an_empty_database_is_examined, each_statement_that_asks_for_nothing_is_told_why, nothing_is_claimed_of_statements_that_nobody_looked_at, a_build_waits_for_whoever_came_before, one_index_serves_a_key_and_those_who_look_by_it, wrong_input_is_refused, a_young_server_says_so,
                    every_fix_runs_and_ends_the_finding, a_drop_is_tried_before_it_is_proposed, what_is_locked_is_left_out, a_build_under_way_is_no_ruin,
                    an_invalid_one_is_rebuilt_and_gets_no_twin, what_lbops_keeps_for_itself_is_left_out,
                    a_weak_role_is_told_what_it_cannot_see, without_statements_and_hypopg_less_is_claimed,
                    what_has_grown_since_is_not_bloated, a_unique_index_can_store_what_its_twin_does, a_foreign_key_is_there_once, what_splits_leave_empty_is_not_bloat, strange_tables_do_no_harm, one_index_of_a_table_goes_at_a_time,
                    recommendations_keep_their_name_and_pass_the_gate), at_once=2)
