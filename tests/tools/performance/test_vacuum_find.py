"""identify_tables_needing_vacuum on real servers: what is due by which rule, who holds rows back, what is passed over."""

from place import Given, contains, each_version, equal, holds, suite
from upkeep import by_kind, plant, prepared, somebody

TOOL = "identify_tables_needing_vacuum"


def kinds(place, **params):
    return [k for k in by_kind(place.findings(TOOL, **params)) if k[1] != "autovacuum_switched_off"]


def finds_by_both_rules(version):
    with Given(version) as place:
        plant(place, "dead")
        plant(place, "quiet", dead=0)
        plant(place, "few", dead=500)
        place.sql("INSERT INTO quiet SELECT g, '' FROM generate_series(1, 900) g")
        plant(place, "inserted", dead=0)
        place.sql("INSERT INTO inserted SELECT g, '' FROM generate_series(1, 4000) g")
        plant(place, '"Odd "" name"')
        equal(kinds(place), [('public.Odd " name', "dead_rows"), ("public.dead", "dead_rows"),
                             ("public.inserted", "inserts")], "what is due")
        found = next(f for f in place.findings(TOOL) if f["object"] == 'public.Odd " name' and f["kind"] == "dead_rows")
        evidence = found["evidence"]
        equal((evidence["dead_rows"], evidence["dead_trigger"]), (6000, 2050), "dead rows and trigger")
        equal(round(evidence["dead_share_of_trigger"], 2), 2.93, "share of the trigger")
        holds(evidence["last_vacuum"] and evidence["held_back_by"] is None, f"evidence: {evidence}")
        equal(found["impact"]["level"], "critical", "level at 60 % dead")
        place.sql(found["fix"])
        equal(kinds(place), [("public.dead", "dead_rows"), ("public.inserted", "inserts")], "after the fix")


def a_rewrite_has_to_be_worth_its_lock(version):
    """Of a table with plenty dead, once a plain vacuum was there, and from so many bytes on."""
    def targets(place, **params):
        result = place.run(TOOL, **params)["result"]
        listed = [(t["table"], t["action"]) for t in result.get("vacuum_full_targets", [])]
        equal(result["tables_needing_vacuum_full"], len(listed), "counted")
        holds({t["table"] for t in result["vacuum_targets"]} == {"tried", "untried"}, result["vacuum_targets"])
        return listed

    with Given(version) as place:
        plant(place, "tried")
        place.sql("CREATE TABLE untried (id int, body text) WITH (autovacuum_enabled=off);"
                  "INSERT INTO untried SELECT g, 'x' FROM generate_series(1, 10000) g")
        place.sql("DELETE FROM untried WHERE id <= 6000; SELECT pg_stat_force_next_flush()")
        equal(targets(place), [], "less than a gigabyte to gain")
        equal(targets(place, min_gain_bytes=1000), [("tried", "vacuum_full")], "one that nobody vacuumed yet is not")
        equal(targets(place, min_gain_bytes=1000, full_ratio=0.7), [], "60 % dead")


def respects_a_tables_own_settings(version):
    with Given(version) as place:
        own = "autovacuum_enabled=off, autovacuum_vacuum_threshold=100, autovacuum_vacuum_scale_factor=0.01"
        plant(place, "strict", dead=1000, options=own, rows=20_000)
        plant(place, "easy", dead=1000, rows=20_000)
        plant(place, "never", rows=20_000, dead=0,
              options="autovacuum_enabled=off, autovacuum_vacuum_insert_threshold=-1")
        place.sql("INSERT INTO never SELECT g, '' FROM generate_series(1, 7000) g")
        equal(kinds(place, stale_hours=1000), [("public.never", "statistics_overdue"), ("public.strict", "dead_rows")],
              "what is due")
        found = [f for f in place.findings(TOOL, dead_ratio=0.03) if f["object"] == "public.easy"]
        contains([f["kind"] for f in found], "dead_rows")
        equal([f for f in place.findings(TOOL, min_rows=2000) if f["kind"] == "dead_rows"], [], "below the floor")


def sees_toast(version):
    with Given(version) as place:
        place.sql("CREATE TABLE fat (id int, body text) WITH (autovacuum_enabled=off, toast.autovacuum_enabled=off,"
                  " toast.autovacuum_vacuum_threshold=300, toast.autovacuum_vacuum_scale_factor=0);"
                  "ALTER TABLE fat ALTER body SET STORAGE EXTERNAL;"
                  "INSERT INTO fat SELECT g, repeat('x', 8000) FROM generate_series(1, 500) g;")
        place.sql("VACUUM ANALYZE fat")
        place.sql("DELETE FROM fat WHERE id <= 400")
        found = place.findings(TOOL)
        equal(kinds(place), [("public.fat", "dead_rows_in_toast")], "what is due")
        dead = next(f for f in found if f["kind"] == "dead_rows_in_toast")
        equal(dead["evidence"]["dead_trigger"], 300, "the TOAST table's own trigger")
        place.sql(dead["fix"])
        equal(kinds(place), [], "after the fix")


def inserts_into_toast_have_a_trigger_of_their_own(version):
    """Five pieces to a row: the last two bring them past the 3,000 that autovacuum waits for."""
    with Given(version) as place:
        place.sql("CREATE TABLE fat (id int, body text) WITH (autovacuum_enabled=off, toast.autovacuum_enabled=off,"
                  " toast.autovacuum_vacuum_insert_threshold=3000, toast.autovacuum_vacuum_insert_scale_factor=0);"
                  "ALTER TABLE fat ALTER body SET STORAGE EXTERNAL; INSERT INTO fat VALUES (0, repeat('x', 8000))")
        place.sql("VACUUM ANALYZE fat")
        insert = "INSERT INTO fat SELECT g, repeat('x', 8000) FROM generate_series({}, {}) g"
        place.sql(insert.format(1, 599))
        equal(kinds(place), [], "2,995 pieces")
        place.sql(insert.format(600, 601))
        equal(kinds(place), [("public.fat", "inserts_in_toast")], "3,005 pieces")
        found = next(f for f in place.findings(TOOL) if f["kind"] == "inserts_in_toast")
        equal((found["evidence"]["inserted_since_vacuum"], found["evidence"]["insert_trigger"]), (3005, 3000), "evidence")
        place.sql(found["fix"])
        equal(kinds(place), [], "after the fix")


def names_who_holds_rows_back(version):
    with Given(version) as place:
        place.sql("CREATE TABLE other (id int)")
        with somebody(place, "BEGIN", "INSERT INTO other VALUES (1)", "SELECT pg_backend_pid()"):
            plant(place, held=True)
            found = next(f for f in place.findings(TOOL, holder_seconds=0) if f["kind"] == "dead_rows")
            holder = found["evidence"]["held_back_by"]
            equal((holder["kind"], holder["state"]), ("session", "idle in transaction"), "holder")
            contains(found["reason"], "holds rows back")
            pid = place.sql("SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'"
                            " AND datname = current_database()")
            equal(str(holder["pid"]), pid, "its pid")
            young = next(f for f in place.findings(TOOL, holder_seconds=3600) if f["kind"] == "dead_rows")
            equal(young["evidence"]["held_back_by"], None, "a young transaction")
            place.sql("VACUUM t")
            held = next(f for f in place.findings(TOOL, holder_seconds=0) if f["kind"] == "dead_rows")
            contains(held["confidence"]["terms"], {"name": "an_earlier_vacuum_was_held_back", "points": -0.4})
        with prepared(place) as name:
            plant(place, "again", held=True)
            holder = next(f for f in place.findings(TOOL, holder_seconds=0)
                          if f["kind"] == "dead_rows" and f["object"] == "public.again")["evidence"]["held_back_by"]
            equal((holder["kind"], holder["holder"]), ("prepared", name), "holder")


def says_what_it_passes_over(version):
    with Given(version) as place:
        place.sql("CREATE FOREIGN DATA WRAPPER nobody; CREATE SERVER nowhere FOREIGN DATA WRAPPER nobody;"
                  "CREATE FOREIGN TABLE far (id int) SERVER nowhere;"
                  "CREATE UNLOGGED TABLE fleeting (id int) WITH (autovacuum_enabled=off);"
                  "CREATE TABLE parts (id int) PARTITION BY RANGE (id);"
                  "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100000)"
                  " WITH (autovacuum_enabled=off);")
        place.sql("INSERT INTO fleeting SELECT generate_series(1, 5000);"
                  "INSERT INTO parts SELECT generate_series(1, 900); ANALYZE parts_1")
        place.sql("INSERT INTO parts SELECT generate_series(1, 5000)")
        place.sql("ANALYZE parts_1")
        with somebody(place, "CREATE TEMP TABLE mine AS SELECT generate_series(1, 5000)"):
            document = place.run(TOOL)["result"]
            skipped = {s["object"]: s["reason"] for s in document["skipped"]}
            holds(any("mine" in o for o in skipped), f"the temporary table: {skipped}")
            contains(skipped["public.far"], "foreign table")
            contains(by_kind(document["findings"]), ("public.fleeting", "inserts"),
                     ("public.parts", "partitioned_statistics_overdue"))
            equal([f for f in document["findings"] if "mine" in f["object"]], [], "findings on it")
        document = place.run(TOOL, schemas=["nowhere"])["result"]
        equal((document["findings"], document["examined"]["relations"]), ([], 0), "of a schema that is not there")
        bad = place.run(TOOL, check=2, dead_ratio=7)
        contains(str(bad["error"]), "dead_ratio")


def what_lbops_keeps_for_itself_is_left_out(version):
    with Given(version) as place:
        place.sql("CREATE SCHEMA lbops_migration; CREATE TABLE lbops_migration.parts (id int) PARTITION BY RANGE (id);"
                  "CREATE TABLE lbops_migration.parts_1 PARTITION OF lbops_migration.parts FOR VALUES FROM (0) TO (100000)")
        plant(place, "lbops_migration.ledger")
        plant(place, "ledger")
        place.sql("INSERT INTO lbops_migration.parts SELECT generate_series(1, 5000); ANALYZE lbops_migration.parts_1")
        document = place.run(TOOL)["result"]
        equal({f["object"] for f in document["findings"]}, {"public.ledger"}, "whose tables are spoken of")
        holds("lbops_" not in str(document), f"a word of ours: {document}")


def an_empty_database_is_no_trouble(version):
    with Given(version) as place:
        document = place.run(TOOL)["result"]
        equal((document["findings"], document["tables_needing_vacuum"]), ([], 0), "an empty database")


suite(*each_version(a_rewrite_has_to_be_worth_its_lock, finds_by_both_rules, respects_a_tables_own_settings, sees_toast,
                    inserts_into_toast_have_a_trigger_of_their_own, names_who_holds_rows_back,
                    says_what_it_passes_over, what_lbops_keeps_for_itself_is_left_out, an_empty_database_is_no_trouble), at_once=4)
