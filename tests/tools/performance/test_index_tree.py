"""Indexes of partitioned tables are built without blocking writers: one request, of which each partition is a step; and what was
cut off on the way is finished."""

from place import PATIENCE, Given, contains, each_version, equal, holds, suite
from planted import KEEPS

GENERATE = "generate_index_recommendation"
NAME = "é" * 30
TABLES = f"""
CREATE TABLE shops (id int PRIMARY KEY);
INSERT INTO shops SELECT generate_series(1, 100);
CREATE TABLE "{NAME}" (id int, "shop id" int REFERENCES shops ON DELETE CASCADE, day int) PARTITION BY RANGE (day);
CREATE TABLE "{NAME}a" (gone int, day int, "shop id" int, id int);
ALTER TABLE "{NAME}a" DROP COLUMN gone;
ALTER TABLE "{NAME}" ATTACH PARTITION "{NAME}a" FOR VALUES FROM (0) TO (10);
CREATE TABLE "other ones" PARTITION OF "{NAME}" FOR VALUES FROM (10) TO (90) PARTITION BY LIST (day);
CREATE TABLE ten PARTITION OF "other ones" FOR VALUES IN (10);
CREATE TABLE more PARTITION OF "other ones" DEFAULT;
CREATE INDEX more_made_before ON more ("shop id");
INSERT INTO "{NAME}" SELECT i, 1 + i % 100, i % 20 FROM generate_series(1, 20000) i;
ANALYZE;
"""
TREE = f"""SELECT count(*) FILTER (WHERE i.indisvalid), count(*), count(*) FILTER (WHERE h.inhparent IS NOT NULL)
  FROM pg_partition_tree('"{NAME}"') p JOIN pg_index i ON i.indrelid = p.relid LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid"""
BUILDING = "pg_stat_progress_create_index WHERE datname = current_database() AND phase = 'waiting for old snapshots'"


def waits_until(place, condition):
    place.sql(f"DO $$ BEGIN FOR i IN 1 .. {PATIENCE * 10} LOOP IF {condition} THEN RETURN; END IF; PERFORM pg_sleep(0.1);"
              " PERFORM pg_stat_clear_snapshot(); END LOOP; RAISE 'it never was so'; END $$")


def holds_snapshot(place):
    """Somebody who has looked, and has not gone: whoever builds an index concurrently waits for them in the end."""
    held = place.session()
    held.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'looked' FROM shops LIMIT 1;\n")
    equal(held.stdout.readline(), "looked\n", "the session")
    return held


def leaves(held):
    held.stdin.close()
    held.wait(PATIENCE)


def is_asked_for(place, kind):
    """One request for all steps, which the finding says as well."""
    (found,) = [f for f in place.findings(GENERATE, apply=True, check=3) if f["kind"] == kind]
    (request,) = place.approvals()
    place.run(GENERATE, apply=True, check=3)
    equal(len(place.approvals()), 1, "requests when it is asked again")
    return found, request


def a_tree_is_indexed_while_people_write(version):
    with Given(version, more=KEEPS) as place:
        place.sql(TABLES)
        found, request = is_asked_for(place, "missing_fk_index")
        steps = found["fix"].split(";\n")
        holds(steps[0].startswith("CREATE INDEX ") and f' ON ONLY public."{NAME}" ("shop id")' in steps[0], f"the first step of {steps}")
        equal([s.split(" public.")[0].split(" ")[:3] for s in steps[1:]].count(["CREATE", "INDEX", "CONCURRENTLY"]), 2, f"built in {steps}")
        equal(sum(" ATTACH PARTITION " in s for s in steps), 4, f"attached in {steps}")
        contains(steps, "ALTER INDEX public.\"other ones_shop id_idx\" ATTACH PARTITION public.more_made_before")
        equal(found["evidence"]["blocks_writers"], False, "whether it blocks writers")

        held = holds_snapshot(place)
        building = place.start("approve", request["id"], "--as", "anna", "--because", "it was looked at")
        waits_until(place, f"EXISTS (SELECT FROM {BUILDING})")
        place.sql(f"""SET lock_timeout = '20s'; INSERT INTO "{NAME}" SELECT -i, 1 + i % 100, i % 20 FROM generate_series(1, 200) i;
            UPDATE "{NAME}" SET "shop id" = 7 WHERE id = -3""")
        equal(place.sql(TREE), "1|3|0", "while it is built, with people's own index")
        leaves(held)
        equal(building.wait(PATIENCE), 0, "the approval")
        equal(place.sql(TREE), "5|5|4", "valid, all and attached indexes")
        equal(place.sql("SELECT count(*) FROM pg_class WHERE relkind IN ('i', 'I') AND octet_length(relname) > 63"), "0", "names too long")
        equal(place.sql(f"""SET enable_seqscan = off; SELECT count(*) FROM "{NAME}" WHERE "shop id" = 7"""),
              place.sql(f"""SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
                        SELECT count(*) FROM "{NAME}" WHERE "shop id" = 7"""), "rows by the index and by the table")
        told = place.run(GENERATE)["result"]
        equal([f["status"] for f in told["followed"]], ["executed"], "what became of it")
        equal(told["findings"], [], "what is left")


def what_was_cut_off_is_finished(version):
    with Given(version, more=KEEPS) as place:
        place.sql(TABLES)
        _, request = is_asked_for(place, "missing_fk_index")
        held = holds_snapshot(place)
        building = place.start("approve", request["id"], "--as", "anna", "--because", "it was looked at")
        waits_until(place, f"EXISTS (SELECT FROM {BUILDING})")
        busy = place.run("detect_unused_indexes")["result"]["findings"]
        (busy,) = [f for f in busy if f["kind"] == "invalid_index"]
        equal((busy["fix"], busy["evidence"]["why_no_fix"]), (None, "an index of one of its partitions is being built just now"),
              "while it is being built nobody else builds it")
        place.sql(f"SELECT pg_terminate_backend(pid) FROM {BUILDING}")
        holds(building.wait(PATIENCE) != 0, "the approval ends well")
        leaves(held)
        waits_until(place, f"NOT EXISTS (SELECT FROM {BUILDING})")
        equal(place.sql(TREE), "1|3|0", "what was cut off: the whole's, a partition's, and people's own")
        found = place.findings("run_full_index_analysis")
        equal([f["kind"] for f in found], ["invalid_index"], f"one finding for all of it: {found}")

        found, request = is_asked_for(place, "invalid_index")
        steps = found["fix"].split(";\n")
        holds(steps[0].startswith("REINDEX INDEX CONCURRENTLY ") and not any(" ON ONLY public.\"é" in s for s in steps), f"what is left: {steps}")
        place.approve(request["id"])
        equal(place.sql(TREE), "5|5|4", "valid, all and attached indexes")
        told = place.run(GENERATE)["result"]
        equal({f["status"] for f in told["followed"]}, {"executed"}, "what became of it")
        equal(told["findings"], [], "what is left")


def where_not_all_can_have_one_nothing_is_promised(version):
    """A foreign partition has no index, and the whole's would never be valid."""
    with Given(version) as place:
        place.sql("""CREATE TABLE near (id int) PARTITION BY RANGE (id); CREATE TABLE near_1 PARTITION OF near FOR VALUES FROM (0) TO (9);
            CREATE INDEX near_id ON ONLY near (id)""")

        def told():
            (found,) = [f for f in place.findings("detect_unused_indexes") if f["kind"] == "invalid_index"]
            return found["fix"], found["evidence"]["why_no_fix"]
        fix, why = told()
        contains(fix, "CREATE INDEX CONCURRENTLY near_1_id_idx ON public.near_1 USING btree (id);\n"
                 "ALTER INDEX public.near_id ATTACH PARTITION public.near_1_id_idx")
        equal(why, None, "why there would be none")
        place.sql(fix)
        equal(place.sql("SELECT bool_and(indisvalid), count(*) FROM pg_index WHERE indexrelid::regclass::text ~ '^near'"), "t|2",
              "it runs as it stands, and the whole is valid")
        place.sql("DROP INDEX near_id; CREATE INDEX near_id ON ONLY near (id)")
        place.sql("""CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
            CREATE FOREIGN TABLE far_away PARTITION OF near FOR VALUES FROM (90) TO (99) SERVER far""")
        fix, why = told()
        equal(fix, None, "steps that would lead nowhere")
        contains(why, "a partition can have no index, as a foreign table")
        place.sql("""CREATE TABLE apart (id int) PARTITION BY RANGE (id); CREATE TABLE apart_1 PARTITION OF apart FOR VALUES FROM (0) TO (9);
            DROP TABLE near; CREATE UNIQUE INDEX apart_id ON ONLY apart (id)""")
        fix, why = told()
        equal(fix, None, "one that duplicates may hinder")
        contains(why, "it is unique")


suite(*each_version(a_tree_is_indexed_while_people_write, what_was_cut_off_is_finished, where_not_all_can_have_one_nothing_is_promised),
      at_once=2)
