"""diagnose_root_cause names a statement whose plan is another one: what changed before, what its history says, and what only
looks like it."""

import datetime
import json

from health_place import Clinic, on_each
from place import equal, holds, suite
from planted import KEEPS, midnight, plant

TOOL = "diagnose_root_cause"
ASKS = "SELECT note FROM orders WHERE customer = 7"
MADE = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE orders (id int, customer int, done bool NOT NULL, note text);
INSERT INTO orders SELECT g, CASE WHEN g <= 3000 THEN 1 ELSE g % 20000 + 100 END, g % 20000 <> 7, repeat('x', 40) FROM generate_series(1, 200000) g;
INSERT INTO orders SELECT g, 7, true, 'n' FROM generate_series(1, 10) g;
CREATE INDEX orders_customer ON orders (customer);
CREATE INDEX orders_done ON orders (done);
GRANT ALL ON orders TO public;
"""


class Shop(Clinic):
    """Orders that a clerk asks for by an index, read once before and once after they were asked for."""

    def __init__(self, version, asks=ASKS, **given):
        super().__init__(version, **given)
        self.sql(MADE)
        self.sql("VACUUM ANALYZE orders")
        self.clerk = self.role("clerk")
        self.asks(asks, 300)
        self.look()
        self.asks(asks, 5)
        equal(self.found(), {}, "as it has always been")
        self.queryid = self.sql("SELECT queryid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
                                " WHERE d.datname = current_database() AND query LIKE 'SELECT note FROM orders%' AND calls = 305")

    def asks(self, text, times):
        person = self.person(self.clerk)
        for _ in range(times):
            person.say(text)
        person.leave()

    def look(self, **given):
        return self.run(TOOL, **{"warm_up_min": 0, **given})

    def found(self, **given):
        return {(c["kind"], c["object"]): c for c in self.look(**given)["result"].get("causes", [])}

    def changed(self, **given):
        """The finding of that statement."""
        document = self.look(metric="slow_query_time", **given)
        causes = document["result"].get("causes", [])
        holds(causes and causes[0]["kind"] == "plan_changed", str(causes or document))
        equal((causes[0]["object"], causes[0]["table"], causes[0]["rank"], causes[0]["fits"]),
              (f"statement {self.queryid} of {self.clerk}", "orders", 1, True), "first")
        return causes[0], document["result"]["findings"][0], document["result"]["diagnosis_id"]


def a_setting_of_a_role(version):
    with Shop(version) as place:
        place.sql(f'ALTER ROLE "{place.clerk}" SET enable_indexscan = off; ALTER ROLE "{place.clerk}" SET enable_bitmapscan = off')
        place.asks(ASKS, 2)
        equal(place.found(), {}, "one call or two may be of anything")
        place.asks(ASKS, 4)
        equal(place.found(warm_up_min=1e6), {}, "so soon after a start caches are cold, and nothing is said")
        place.asks(ASKS, 4)
        cause, finding, diagnosis = place.changed()
        evidence = finding["evidence"]
        holds(evidence["what_changed"].startswith("enable_") and evidence["what_changed"].endswith(f"scan of role {place.clerk} was set to off"), evidence)
        equal(cause["command"], f"ALTER ROLE {place.clerk} RESET {evidence['what_changed'].partition(' ')[0]}", "what takes it back")
        holds(cause["confidence"] >= 0.75 and evidence["before"]["blocks_a_call"] < 20 and evidence["since"]["blocks_a_call"] > 1000, evidence)
        equal((evidence["since"]["rows_a_call"], evidence["before"]["rows_a_call"]), (10, 10), "for as many rows")
        equal((evidence["user"], evidence["queryid"], evidence["statement"]), (place.clerk, place.queryid, "SELECT note FROM orders WHERE customer = $1"), "which")
        replayed = place.run(TOOL, replay=diagnosis)["result"]
        equal((replayed["replay"]["same"], replayed["causes"][0]["object"]), (True, cause["object"]), "found again")
        equal([k for k, _ in place.found()], ["plan_changed"], "while nobody asks it stands")
        place.sql(f'ALTER ROLE "{place.clerk}" RESET ALL')
        place.asks(ASKS, 5)
        equal(place.found(), {}, "it is over when calls cost what they did")


def statistics_that_are_no_longer_kept(version):
    asks = "SELECT note FROM orders WHERE done = false"
    with Shop(version, asks) as place:
        place.sql("ALTER TABLE orders ALTER COLUMN done TYPE bool USING done AND true, ALTER COLUMN done SET STATISTICS 0;"
                  " ANALYZE orders")  # with its type go those that there were
        place.asks(asks, 5)
        cause, finding, _ = place.changed()
        equal(finding["evidence"]["what_changed"], "public.orders was analyzed anew, and no statistics are kept of its column done", "why")
        equal(cause["command"], "ALTER TABLE public.orders ALTER COLUMN done SET STATISTICS -1; ANALYZE public.orders", "what takes it back")
        place.sql(cause["command"])
        place.asks(asks, 5)
        equal(place.found(), {}, "it helps")


def a_statement_of_ours_stands_by_itself(version):
    """In no sentence: what it is told with among the facts may have its values, and not where words alone are told."""
    done = "CREATE STATISTICS guess ON customer, (id + 434343) FROM orders"
    with Shop(version, more=KEEPS) as place:
        place.sql("DROP INDEX orders_customer; CREATE INDEX orders_customer ON orders (customer) WHERE customer < 0")
        plant(place, "audit_log", [{"audit_id": "planted", "at": datetime.datetime.now(datetime.timezone.utc), "phase": "outcome",
                                    "tool": "self_heal", "actor_kind": "user", "actor": "ann", "outcome": "applied",
                                    "kind": "sql", "reason": "planted", "statement": done}])
        place.asks(ASKS, 5)
        cause, finding, _ = place.changed()
        equal((finding["evidence"]["what_changed"], finding["evidence"]["change"]),
              ("self_heal of ours executed a statement on public.orders", done), "what was done")
        holds("434343" not in cause["reason"] + finding["reason"], cause["reason"])


def what_is_closer_to_it_comes_first(version):
    with Shop(version) as place:
        place.sql("DROP INDEX orders_customer")
        place.asks(ASKS, 12)
        found = place.look(metric="slow_query_time")["result"]["causes"]
        equal([(c["kind"], c["object"], c["rank"], c["because_of"]) for c in found],
              [("dropped_index", "public.orders_customer", 1, None),
               ("plan_changed", f"statement {place.queryid} of {place.clerk}", None, "dropped_index of public.orders_customer")], "order")


def more_rows_are_no_other_plan(version):
    with Shop(version) as place:
        place.asks("SELECT note FROM orders WHERE customer = 1", 4)
        equal(place.found(), {}, "a value of which there is more")


def dead_rows_are_no_other_plan(version):
    """A small table that is written much while somebody keeps its old rows: the same plan reads through all of them."""
    asks = "SELECT note FROM queue WHERE customer = 7"
    with Clinic(version) as place:
        place.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE queue (customer int, note text) WITH (autovacuum_enabled = off);"
                  " INSERT INTO queue SELECT 7, repeat('x', 1000) FROM generate_series(1, 10); GRANT ALL ON queue TO public")
        place.sql("VACUUM ANALYZE queue")
        place.clerk = place.role("clerk")
        keeper = place.person(place.role("keeper"))
        keeper.say("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM queue")
        Shop.asks(place, asks, 300)
        Shop.look(place)
        place.sql("DO $$ BEGIN FOR i IN 1..300 LOOP UPDATE queue SET note = note; END LOOP; END $$; SELECT pg_stat_force_next_flush()")
        Shop.asks(place, asks, 5)
        touched = place.sql("SELECT shared_blks_hit + shared_blks_read FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
                            " WHERE d.datname = current_database() AND query LIKE 'SELECT note FROM queue%'")
        holds(int(touched) > 305 * 4 + 5 * 200, f"it reads many more blocks: {touched}")
        equal([c["kind"] for c in Shop.look(place)["result"].get("causes", [])], [], "the table says why")


def history_has_its_say(version):
    """Before the daemon's memory began it was as fast, and so was its stored plan; or it was as slow, and nothing changed."""
    with Shop(version, more=KEEPS) as place:
        database = int(place.sql("SELECT oid FROM pg_database WHERE datname = current_database()"))

        def plant_past(days, blocks, ms):
            plant(place, "pg_stat_history", [
                {"snapshot_timestamp": midnight(-days, hour), "granularity": "snapshot", "system_identifier": 1,
                 "postmaster_start": midnight(-30), "userid": 10, "user_name": place.clerk, "dbid": database, "toplevel": True,
                 "queryid": int(place.queryid), "calls": 1000, "total_exec_time": 1.0, "calls_delta": 100, "rows_delta": 1000,
                 "total_exec_time_delta": ms * 100, "shared_blks_hit_delta": blocks * 100, "shared_blks_read_delta": 0} for hour in range(3)])
        step = {"Node Type": "Bitmap Heap Scan", "Relation Name": "orders",
                "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "orders_customer"}]}
        plan = json.dumps([{"Plan": {"Node Type": "Limit", "Plans": [step]}}])
        plant(place, "query_review_queue", [{"review_id": "r", "queued_at": midnight(-3), "updated_at": midnight(-3), "queryid": int(place.queryid),
                                             "reason": "slow", "status": "open", "plan": plan}])
        plant_past(5, 13, 0.05)
        place.sql(f'ALTER ROLE "{place.clerk}" SET enable_indexscan = off; ALTER ROLE "{place.clerk}" SET enable_bitmapscan = off')
        place.asks(ASKS, 5)
        cause, finding, _ = place.changed()
        evidence = finding["evidence"]
        equal((evidence["in_history"]["calls"], evidence["in_history"]["blocks_a_call"], evidence["stored_plan_reads"]),
              (300, 13, "Bitmap Heap Scan of orders"), str(evidence))
        holds(cause["confidence"] > 0.95, f"with its history it is sure: {cause}")
        plant_past(4, 3000, 40)
        place.asks(ASKS, 5)
        equal(place.found(), {}, "it was like this before")


suite(*on_each(a_setting_of_a_role, statistics_that_are_no_longer_kept, a_statement_of_ours_stands_by_itself, what_is_closer_to_it_comes_first, more_rows_are_no_other_plan,
               dead_rows_are_no_other_plan,
               history_has_its_say))
