"""diagnose_root_cause names statements that a release has brought: those of one role that came together, are called often and
take much; and says nothing of what only looks like it."""

import datetime

from health_place import Clinic, memory, on_each
from incident_place import Bed, Ward
from place import equal, holds, suite
from planted import KEEPS, midnight, plant

TOOL = "diagnose_root_cause"
MADE = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE orders (id int PRIMARY KEY, customer int, price int, note text);
INSERT INTO orders SELECT g, g % 20000, g % 7, repeat('x', 40) FROM generate_series(1, 60000) g;
GRANT ALL ON orders TO public;
"""
OLD = ["SELECT note FROM orders WHERE id = 7", "SELECT price FROM orders WHERE id IN (7, 8)"]
SLOW = "SELECT o.customer, sum(p.price) FROM orders o JOIN orders p ON p.id = o.id + 1 WHERE o.note LIKE '%xy%' OR p.price > 3 GROUP BY 1 ORDER BY 2 LIMIT 3"
RELEASED = [SLOW, "SELECT count(*) FROM orders WHERE note LIKE '%xy%'", "SELECT max(price) FROM orders WHERE customer % 17 = 3",
            "SELECT id FROM orders WHERE customer = 7 AND price > 2"]
MINUTE = 60 * 1_000_000
DAY = 1440 * MINUTE


class Trade:
    """Orders that an application has asked for, of whose statements it is known for `days` which there were."""

    def __init__(self, *place, days=2, **given):
        super().__init__(*place, **given)
        self.sql(MADE)
        self.sql("VACUUM ANALYZE orders")
        self.shop = self.role("shop")
        self.old = self.person(self.shop, "shop 1.9")
        self.calls(self.old, OLD, 20)
        self.look()
        self.calls(self.old, OLD, 20)
        self.look()
        self.have_looked_for(days)
        equal(self.found(), {}, "as it has always been")

    def have_looked_for(self, days):
        """It has followed the statements for as long, and what came until now came then."""
        with memory(self, TOOL) as body:
            note = body["diagnosis"]["release"]
            note["followed_since"] -= int(days * DAY)
            for numbers in note["fresh"].values():
                numbers[0] -= DAY

    @staticmethod
    def calls(person, texts, times):
        for _ in range(times):
            for text in texts:
                person.say(text)

    def comes(self, texts=RELEASED, times=15, application="shop 2.0", role=None):
        person = self.person(role or self.shop, application)
        self.calls(person, texts, times)
        return person

    def look(self, **given):
        return self.run(TOOL, **given)["result"]

    def found(self, **given):
        return {(c["kind"], c["object"]): c for c in self.look(**given).get("causes", [])}


class Shop(Trade, Clinic):
    """On a server that the suites share."""


class OwnShop(Trade, Bed):
    """On a private one."""


def a_release(version):
    with Shop(version) as place:
        released = place.comes()
        answer = place.look(metric="slow_query_time")
        cause, finding = answer["causes"][0], answer["findings"][0]
        evidence = finding["evidence"]
        equal((cause["kind"], cause["object"], cause["rank"], cause["fits"]), ("new_statements", f"role {place.shop}", 1, True), "first")
        equal((evidence["user"], evidence["statements"], evidence["its_calls"]), (place.shop, 4, 15), str(evidence))
        holds(evidence["share"] > 0.5 and evidence["calls_at_a_time"] > 0.1 and evidence["its_share"] > 0.3, evidence)
        holds(evidence["statement"].startswith("SELECT o.customer, sum(p.price) FROM orders"), evidence)
        equal(evidence["near_it"], "the role is connected as shop 2.0, which it was not before", str(evidence))
        equal(evidence["its_first_call"] is None, version < 17, str(evidence))
        holds(evidence["its_mean_ms"] > 1 and cause["confidence"] >= 0.75, cause)
        shown = place.sql(cause["command"]).splitlines()
        equal((len(shown), shown[0].split("|")[0]), (4, evidence["queryid"]), "the command shows them")
        replayed = place.look(replay=answer["diagnosis_id"])
        equal((replayed["replay"]["same"], replayed["causes"][0]["object"]), (True, cause["object"]), "found again")
        place.calls(released, RELEASED, 15)
        equal([k for k, _ in place.found()], ["new_statements"], "it goes on")
        released.leave()
        place.calls(place.old, OLD, 20)
        equal(place.found(), {}, "it is over when it was taken back")


def a_release_with_a_migration(version):
    """The statement of ours is a fact by itself, and in no sentence."""
    done = "ALTER TABLE orders ADD CHECK (price <> 434343) NOT VALID"
    with Shop(version, more=KEEPS) as place:
        plant(place, "audit_log", [{"audit_id": "planted", "at": datetime.datetime.now(datetime.timezone.utc), "phase": "outcome",
                                    "tool": "apply_schema_migration", "actor_kind": "user", "actor": "ann", "outcome": "applied",
                                    "kind": "sql", "reason": "planted", "statement": done}])
        place.comes()
        finding = place.look(metric="slow_query_time")["findings"][0]
        evidence = finding["evidence"]
        equal((evidence["near_it"], evidence["change"]), ("apply_schema_migration of ours has changed the schema", done), str(evidence))
        holds("434343" not in finding["reason"], finding["reason"])


def it_is_found_after_a_restart_of_its_counts(version):
    """What was there before is known though the server counts anew, and what comes then is new."""
    with Shop(version) as place:
        place.calls(place.old, RELEASED, 1)
        place.look()
        place.have_looked_for(1)
        place.sql("SELECT pg_stat_statements_reset(0, d.oid, 0) FROM pg_database d WHERE d.datname = current_database()")
        released = place.comes([text + " OFFSET 0" for text in RELEASED])
        place.calls(place.old, RELEASED + OLD, 15)
        answer = place.look()
        equal(answer.get("causes", []), [], "there is nothing to hold the counts against")
        place.calls(place.old, RELEASED + OLD, 15)
        equal(place.found(), {}, "none of those that take the time is new")
        place.calls(released, [text + " OFFSET 0" for text in RELEASED], 15)
        equal([k for k, _ in place.found()], ["new_statements"], "what came since is")


def what_is_none(version):
    with Shop(version) as place:
        person = place.comes(RELEASED, 2, "psql")
        equal(place.found(), {}, "statements that somebody types")
        person.leave()
        person = place.comes([SLOW.replace("sum", "avg")], 40, "report")
        equal(place.found(), {}, "one report, again and again")
        person.leave()
        place.comes([f"{SLOW.replace('sum', name)} OFFSET 0" for name in ("min", "max", "count")], 4, "reports")
        equal(place.found(), {}, "a few that are called a few times")
        person.leave()
        place.comes([f"SELECT price, {n + 1} FROM orders WHERE id = {n}" + n * " + 0" for n in range(6)], 30)
        equal(place.found(), {}, "new ones that take next to nothing")
        equal(place.found(min_new_load=0, min_known_h=0), {}, "nor a share of the time")


def the_same_work_in_another_dress(version):
    with Shop(version) as place:
        place.calls(place.old, [*RELEASED, "SELECT count(*) FROM orders WHERE price % 5 IN (1, 2) AND note LIKE '%xy%'"], 1)
        place.look()
        place.have_looked_for(1)
        other = place.comes(role=place.role("shop"))
        equal(place.found(), {}, "for another role")
        other.leave()
        lists = ["SELECT count(*) FROM orders WHERE price % 5 IN (" + ", ".join(map(str, range(n))) + ") AND note LIKE '%xy%'" for n in range(3, 11)]
        other = place.comes(lists)
        equal(place.found(), {}, "with longer lists")
        other.leave()
        place.sql("CREATE TABLE again AS TABLE orders; DROP TABLE orders; ALTER TABLE again RENAME TO orders; GRANT ALL ON orders TO public")
        place.comes([text for text in RELEASED if "id" not in text] + [SLOW], 15)
        equal(place.found().get(("new_statements", f"role {place.shop}")), None, "of a table that was made again")


def new_ones_all_day_long(version):
    """A role whose statements are put together by machine: some are new at each reading."""
    with Shop(version) as place:
        kinds = [f"SELECT {name}(price {sign} customer) FROM orders WHERE note LIKE '%xy%' OR price > 1"
                 for name in ("sum", "min", "max", "avg") for sign in ("+", "-", "*")]
        person = place.person(place.shop)
        for some in (kinds[:4], kinds[4:7]):
            place.calls(person, some, 10)
            place.look(min_new_load=1e6)
            with memory(place, TOOL) as body:
                for numbers in body["diagnosis"]["release"]["fresh"].values():
                    numbers[0] -= 25 * MINUTE
        place.calls(person, kinds[7:], 10)
        equal(place.found(), {}, "five of twelve have come just now")


def readings_far_apart(version):
    """What has come in half an hour may have come one after the other."""
    with Shop(version) as place:
        with memory(place, TOOL) as body:
            body["diagnosis"]["release"]["at"] -= 30 * MINUTE
        place.comes()
        equal(place.found(min_new_load=0), {}, "it may be so each half hour")


def how_long_it_is_known(version):
    with Shop(version, days=0, more=KEEPS) as place:
        place.comes()
        answer = place.look()
        equal(answer.get("causes", []), [], "it may have been there yesterday")
        holds("not known for long enough" in {u["kind"]: u["why"] for u in answer["unseen"]}["new_statements"], answer)
        database = int(place.sql("SELECT oid FROM pg_database WHERE datname = current_database()"))
        queryid = place.sql("SELECT queryid FROM pg_stat_statements s WHERE query LIKE 'SELECT o.customer, sum%' AND dbid ="
                            " (SELECT oid FROM pg_database WHERE datname = current_database())")

        def snapshot(queryid, days):
            plant(place, "pg_stat_history", [
                {"snapshot_timestamp": midnight(-days), "granularity": "snapshot", "system_identifier": 1,
                 "postmaster_start": midnight(-30), "userid": 10, "user_name": place.shop, "dbid": database, "toplevel": True,
                 "queryid": int(queryid), "calls": 1000, "total_exec_time": 1.0, "calls_delta": 100, "rows_delta": 1000,
                 "total_exec_time_delta": 1.0, "shared_blks_hit_delta": 1, "shared_blks_read_delta": 0}])
        snapshot(12345, 9)
        place.comes()
        cause = place.found()["new_statements", f"role {place.shop}"]
        holds(cause["confidence"] > 0.8, f"history knows the week before, and none of them: {cause}")
        snapshot(queryid, 5)
        place.comes()
        found = place.look()
        equal([f["evidence"]["statements"] for f in found.get("findings", [])], [3], "one of them it has")


def it_is_forgotten_and_comes_again(version):
    """Where the server makes room for others, a statement that it counts for the first time may be an old one."""
    with Ward(version, **{"pg_stat_statements.max": 100}) as ward, OwnShop(ward) as place:
        place.calls(place.old, RELEASED, 1)
        place.look()
        place.have_looked_for(1)
        left = "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'SELECT o.customer, sum%'"
        equal(ward.sql(f"CREATE EXTENSION pg_stat_statements; {left}"), "1", "counted")
        person = place.person(place.role("many"))
        for n in range(120):
            place.calls(person, ["SELECT 1" + n * " + 1"], 4)
        equal(ward.sql(left), "0", "forgotten")
        person.leave()
        place.comes()
        equal(place.found(), {}, "it was there before")
        place.comes([text + " OFFSET 0" for text in RELEASED])
        cause = place.found()["new_statements", f"role {place.shop}"]
        holds(0.7 < cause["confidence"] < 0.9, f"known since two days: {cause}")


def what_it_brings_with_it(version):
    spilling = [f"SELECT id FROM orders ORDER BY note, {key} LIMIT 1 OFFSET 50000" for key in ("price", "customer", "id + price")]
    with Ward(version) as ward, OwnShop(ward) as place:
        given = {"min_temp_mb": 1, "min_block_accesses": 1000, "warm_up_min": 0}
        place.calls(place.old, OLD, 400)
        place.old.say("SELECT pg_stat_force_next_flush()")
        place.look(**given)
        place.comes(spilling, 10).say("SELECT pg_stat_force_next_flush()")
        answer = place.look(**given)
        equal({c["kind"]: c["because_of"] for c in answer["causes"]},
              {"new_statements": None, "temp_spill": f"new_statements of role {place.shop}",
               "cache_collapse": f"new_statements of role {place.shop}"}, "what it explains")
        holds(answer["findings"][0]["evidence"]["spilled_bytes"] > 1e7, answer["findings"][0])


def ours(version):
    """What lbops itself sends is no release, also where nothing else happens."""
    with Shop(version) as place:
        for tool in ("monitor_system_health", "monitor_connections", TOOL, "evaluate_alert_thresholds"):
            for _ in range(6):
                place.run(tool)
        equal(place.found(min_new_load=0, min_known_h=0), {}, "ours")


suite(*on_each(a_release, a_release_with_a_migration, it_is_found_after_a_restart_of_its_counts, what_is_none, the_same_work_in_another_dress,
               new_ones_all_day_long, readings_far_apart, how_long_it_is_known, it_is_forgotten_and_comes_again,
               what_it_brings_with_it, ours))
