"""identify_cold_data: what it finds, on which ground, and that it claims nothing where nothing shows it."""

from health_place import Clinic, on_each
from place import equal, holds, suite

SMALL = {"min_rows": 100}

ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL DEFAULT now(), note text);
INSERT INTO orders SELECT n, now() - (1000 - n) * interval '0.2 day', 'x' FROM generate_series(1, 1000) n;
CREATE INDEX ON orders (placed_at);
ANALYZE orders;
"""


def named(document):
    return {f["object"]: f for f in document["result"]["findings"]}


def skipped(document):
    return {s["object"]: s["reason"] for s in document["result"].get("skipped", [])}


def rows_by_a_column(version):
    with Clinic(version) as place:
        place.sql(ORDERS + """
CREATE TABLE items (id int, order_id bigint REFERENCES orders ON DELETE CASCADE);
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Odd ""Table" (id int, "When" timestamp, born date);
INSERT INTO "Odd Schema"."Odd ""Table"
  SELECT n, now() - (500 - n) * interval '1 day', date '1970-01-01' + n * 7919 % 9000 FROM generate_series(1, 500) n;
ANALYZE "Odd Schema"."Odd ""Table";
""")
        done = place.run("identify_cold_data", price_per_gb_month=2, **SMALL)
        found = named(done)
        equal(set(found), {"public.orders", 'Odd Schema.Odd "Table'}, "objects")
        orders = found["public.orders"]
        evidence = orders["evidence"]
        cold = int(place.sql("SELECT count(*) FROM orders WHERE placed_at < now() - interval '90 days'"))
        holds(abs(orders["impact"]["rows"] - cold) <= 12, f"{orders['impact']} against {cold}")
        equal((evidence["time_column"], evidence["ground"]), ("placed_at", "its default is the moment of the write"),
              "ground")
        equal(evidence["foreign_keys_to_it"], ["public.items (items_order_id_fkey): cascade"], "references")
        holds(evidence["oldest"] < evidence["cutoff"] < evidence["newest"], "the index was asked")
        equal(orders["impact"]["monthly_cost"], orders["impact"]["bytes"] / 1e9 * 2, "money")
        odd = found['Odd Schema.Odd "Table']["evidence"]
        equal((odd["time_column"], odd["ground"], odd["oldest"]), ("When", "rows lie in the order of it", None),
              "of two columns the one in the order of which rows lie")
        totals = done["result"]
        equal((totals["cold_candidates"], len(totals["candidates"])), (2, 2), "totals")
        equal(totals["total_estimated_cold_rows"], sum(f["impact"]["rows"] for f in found.values()), "rows in all")
        kept = {(r["metric_name"], r["object_name"]) for r in place.waiting("lakebase_metrics")}
        holds({("cold_rows", "public.orders"), ("cold_bytes", "public.orders")} <= kept, str(kept))
        again = named(place.run("identify_cold_data", **SMALL))
        equal(again["public.orders"]["impact"]["rows"], orders["impact"]["rows"], "the same again")
        equal(again["public.orders"]["impact"]["monthly_cost"], None, "no price, no money")
        equal(place.run("identify_cold_data")["result"]["findings"], [], "by default this is too little")


def nothing_is_guessed(version):
    with Clinic(version) as place:
        place.sql("""
CREATE TABLE people (id int, born date);
INSERT INTO people SELECT n, date '1950-01-01' + n * 7919 % 20000 FROM generate_series(1, 400) n;
CREATE TABLE due (id int, due_at timestamptz);
INSERT INTO due SELECT n, now() + (n - 300) * interval '1 day' FROM generate_series(1, 400) n;
CREATE TABLE plain (id int);
INSERT INTO plain SELECT generate_series(1, 400);
ANALYZE;
CREATE TABLE unseen (id int, at timestamptz DEFAULT now());
ALTER TABLE unseen SET (autovacuum_enabled = false);
INSERT INTO unseen SELECT n, now() - interval '1 year' FROM generate_series(1, 400) n;
CREATE TABLE secret (id int, at timestamptz DEFAULT now());
INSERT INTO secret SELECT n, now() - interval '1 year' FROM generate_series(1, 400) n;
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far (id int, at timestamptz) SERVER nowhere;
""")
        role = place.role("weak")
        place.sql(f'GRANT SELECT ON people, due, plain, unseen, far TO "{role}"; ANALYZE secret')
        place.be(role)
        with place.session() as other:
            other.stdin.write("CREATE TEMP TABLE passing (at timestamptz DEFAULT now());\\echo ready\n")
            other.stdin.flush()
            holds("ready" in other.stdout.readline(), "a temporary table")
            done = place.run("identify_cold_data", **SMALL)
            other.stdin.close()
            other.wait()
        equal(done["result"]["findings"], [], "no findings")
        why = skipped(done)
        for name, word in {"people": "name it in time_columns", "due": "in the future", "plain": "no column of it holds",
                           "unseen": "never analyzed", "secret": "SELECT", "far": "foreign table"}.items():
            holds(word in why[f"public.{name}"], f"{name}: {why}")
        holds(any("temporary" in reason for reason in why.values()), str(why))
        told = named(place.run("identify_cold_data", time_columns=["public.people=born"], tables=["people"], **SMALL))
        equal(told["public.people"]["evidence"]["ground"], "named by time_columns", "a person knows")
        equal(place.run("identify_cold_data", time_columns=["people=nothing"], tables=["people"],
                        **SMALL)["result"]["skipped"][0]["reason"],
              "time_columns names nothing, which is no column of time of it", "a column that is none")


def policy_keeps(version):
    with Clinic(version) as place:
        place.sql(ORDERS + """
CREATE TABLE audit_a AS SELECT * FROM orders; ALTER TABLE audit_a ALTER placed_at SET DEFAULT now(); ANALYZE audit_a;
CREATE TABLE ledger AS SELECT * FROM audit_a; ALTER TABLE ledger ALTER placed_at SET DEFAULT now(); ANALYZE ledger;
""")
        done = place.run("identify_cold_data", legal_hold=["public.audit_*"], keep=["ledger"], **SMALL)
        equal(set(named(done)), {"public.orders"}, "what is free")
        why = skipped(done)
        equal((why["public.audit_a"], why["public.ledger"]), ("it is under legal hold", "it is to be kept here"), "why")
        for wrong in ({"tables": ["nowhere.*"]}, {"time_columns": ["orders"]}, {"time_columns": ["no=placed_at"]}, {"legal_hold": ["leger"]},
                      {"legal_hold": ["public.audit_a=1"]}, {"legal_hold": [""]}, {"legal_hold": ["*a"]}, {"keep": ["Ledger"]}):
            equal(place.run("identify_cold_data", check=1, **wrong)["error"]["code"], "invalid", str(wrong))
        done = place.run("identify_cold_data", legal_hold=["other_tables"], **SMALL)
        holds("public.ledger" in named(done) and "it holds none" in skipped(done)["other_tables"], "another database's")
        place.run("identify_cold_data", check=2, cold_threshold_days=-1)


def partitions_by_their_bounds(version):
    with Clinic(version) as place:
        place.sql("""
CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind text) PARTITION BY RANGE (at);
DO $$ BEGIN FOR i IN 0..6 LOOP
  EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', i,
                 date_trunc('day', now()) - (7 - i) * interval '30 days', date_trunc('day', now()) - (6 - i) * interval '30 days');
END LOOP; END $$;
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events SELECT n, now() - interval '1 hour' - n * interval '6 hours', 'x' FROM generate_series(0, 800) n;
CREATE TABLE split (id bigint, at timestamptz NOT NULL DEFAULT now()) PARTITION BY HASH (id);
CREATE TABLE split_0 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE split_1 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO split SELECT n, now() - n * interval '1 day' FROM generate_series(1, 800) n;
ANALYZE;
""")
        done = place.run("identify_cold_data", **SMALL)
        found = named(done)
        equal(set(found), {"public.events", "public.split_0", "public.split_1"}, "objects")
        events = found["public.events"]
        equal((events["kind"], events["evidence"]["partitions"]),
              ("cold_partitions", [f"public.events_{i}" for i in range(4)]), "partitions")
        cold = int(place.sql("SELECT count(*) FROM events WHERE at < date_trunc('day', now()) - interval '90 days' "
                             "AND tableoid <> 'events_rest'::regclass"))
        equal(events["impact"]["rows"], cold, "their rows")
        equal(events["evidence"]["cold_partitions"], 4, "how many")
        holds("bounds say nothing" in skipped(done)["public.events_rest"], "the default partition is not judged")
        one = place.run("identify_cold_data", tables=["events_0"], **SMALL)
        equal(skipped(one)["public.events_0"], "it is a partition: name the whole table", "a single partition")


def counters_that_stand_still(version):
    """A table without any moment in it: two looks at its counters are needed, and a use ends the proof."""
    with Clinic(version) as place:
        place.sql("CREATE TABLE old (id int); INSERT INTO old SELECT generate_series(1, 400); ANALYZE old;")
        wishes = dict(SMALL, cold_threshold_days=1e-9, tables=["old"])
        first = place.run("identify_cold_data", **wishes)
        equal(first["result"]["findings"], [], "it was written since counting began, nobody knows when")
        second = named(place.run("identify_cold_data", **wishes))["public.old"]
        equal((second["kind"], second["impact"]["rows"]), ("unused_table", 400), "now it is known")
        holds(second["evidence"]["unwritten_since"] >= second["evidence"]["counted_since"], str(second["evidence"]))
        place.sql("SELECT count(*) FROM old")
        place.until_here("SELECT seq_scan > 0 FROM pg_stat_user_tables WHERE relname = 'old'")
        equal(place.run("identify_cold_data", **wishes)["result"]["findings"], [], "it was read")
        place.run("identify_cold_data", plan=True, **wishes)


def a_name_that_the_lakehouse_does_not_take(version):
    with Clinic(version) as place:
        place.sql(ORDERS + 'ALTER TABLE orders RENAME COLUMN placed_at TO "placed At"')
        orders = named(place.run("identify_cold_data", **SMALL))["public.orders"]
        for told in (orders["reason"], orders["evidence"]["cannot_be_archived"]):
            holds("no column of the name 'placed At'" in told and "RENAME COLUMN" in told, told)
        place.sql('ALTER TABLE orders RENAME COLUMN "placed At" TO placed_at')
        orders = named(place.run("identify_cold_data", **SMALL))["public.orders"]
        holds("archived" not in orders["reason"] and orders["evidence"]["cannot_be_archived"] is None, orders)


def an_empty_database(version):
    with Clinic(version) as place:
        done = place.run("identify_cold_data")
        equal((done["status"], done["result"]["findings"], done["result"]["examined"]["tables"]), ("ok", [], 0), "empty")


suite(*on_each(rows_by_a_column, nothing_is_guessed, policy_keeps, partitions_by_their_bounds, counters_that_stand_still,
               a_name_that_the_lakehouse_does_not_take, an_empty_database))
