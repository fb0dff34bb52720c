"""check_txid_wraparound_risk and keys that run out of values, on real servers: by their sequence, by their column, or neither."""

import datetime

from databases import Branch
from place import Given, contains, each_version, equal, holds, suite
from planted import KEEPS, metric, plant
from upkeep import by_kind

TOOL, INT, SMALL, BIG = "check_txid_wraparound_risk", 2**31 - 1, 2**15 - 1, 2**63 - 1


def keys(place, **params):
    return by_kind(f for f in place.findings(TOOL, **params) if f["kind"].endswith("_exhaustion"))


def one(place, **params):
    found, = (f for f in place.findings(TOOL, **params) if f["kind"].endswith("_exhaustion"))
    return found


def at(place, sequence, share, top=INT):
    place.sql(f"SELECT setval('{sequence}', {1 + int(share * (top - 1))})")


def a_narrow_column_runs_out(version):
    """A serial at 49 %, at 51 %, at 76 % and at 91 %; its fix is the column's and the sequence's."""
    with Given(version) as place:
        place.sql('CREATE TABLE "Odd t" (id serial PRIMARY KEY, n int); CREATE TABLE item (of_odd int REFERENCES "Odd t", o bigint)')
        at(place, '"Odd t_id_seq"', 0.49)
        equal(keys(place), [], "49 %")
        equal(keys(place, key_warning=0.48), [("public.Odd t.id", "key_exhaustion")], "and who wants to know earlier")
        at(place, '"Odd t_id_seq"', 0.51)
        found = one(place)
        equal((found["object"], found["impact"]["level"], place.run(TOOL)["events"]), ("public.Odd t.id", "warning", []),
              "51 %, which nobody is called for")
        at(place, '"Odd t_id_seq"', 0.76)
        found = one(place)
        equal((found["object"], found["kind"], found["impact"]["level"]), ("public.Odd t.id", "key_exhaustion", "high"), "76 %")
        contains(found["reason"], "its type (integer) is at 16", "of 2147483647, 76.0 % of the way", "every INSERT fails")
        evidence = found["evidence"]
        equal((evidence["end"], evidence["sequence"], evidence["referred_to_by"]), (INT, "Odd t_id_seq", "public.item.of_odd"), "evidence")
        document = place.run(TOOL)
        told = [(e["type"], e["payload"]["metric"], e["payload"]["level"]) for e in document["events"]]
        equal((told, document["result"]["keys_past_a_threshold"]), ([("threshold.breached", "key_range_used", "warning")], 1), "told")
        at(place, '"Odd t_id_seq"', 0.91)
        found = one(place)
        equal(found["impact"]["level"], "critical", "91 %")
        place.sql(found["fix"])
        equal(keys(place), [], "both are wide")
        equal(place.sql("SELECT seqtypid::regtype FROM pg_sequence"), "bigint", "the sequence, too")
        equal(place.sql('INSERT INTO "Odd t" VALUES (DEFAULT, 1) RETURNING id > 1900000000'), "t", "and it goes on")
        equal([e["type"] for e in place.run(TOOL)["events"]], [], "an end that is said once")


def who_has_room_is_left_alone(version):
    with Given(version) as place:
        place.sql("CREATE TABLE wide (id bigserial PRIMARY KEY); CREATE SEQUENCE narrow AS int;"
                  "CREATE TABLE fed (id bigint PRIMARY KEY DEFAULT nextval('narrow'));"
                  "CREATE TABLE round (id int DEFAULT 0); CREATE SEQUENCE rounds AS int CYCLE OWNED BY round.id;"
                  "CREATE SEQUENCE never AS smallint; CREATE TEMP SEQUENCE mine AS smallint;"
                  "CREATE SCHEMA lbops_migration; CREATE SEQUENCE lbops_migration.own AS smallint")
        at(place, "wide_id_seq", 0.9)
        at(place, "narrow", 0.49)
        at(place, "rounds", 0.99)
        at(place, "lbops_migration.own", 0.99, SMALL)
        equal(keys(place), [], "bigint, 49 %, one that begins anew, one that was never asked, one of ours")
        at(place, "narrow", 0.9)
        found = one(place)
        equal((found["object"], found["kind"], found["fix"]),
              ("public.narrow", "sequence_exhaustion", "ALTER SEQUENCE public.narrow AS bigint"), "a column with room, and its sequence without")
        place.sql(found["fix"])
        equal(keys(place), [], "with the fix")
        place.sql("CREATE TABLE tight (id smallint DEFAULT 0); CREATE SEQUENCE turns CYCLE OWNED BY tight.id")
        at(place, "turns", 0.9, SMALL)
        equal(keys(place), [("public.tight.id", "key_exhaustion")], "it would begin anew long behind its column's end")


def ends_of_their_own_and_ways_down(version):
    with Given(version) as place:
        place.sql("CREATE SEQUENCE block MINVALUE 1000000 MAXVALUE 1999999; CREATE SEQUENCE down AS int INCREMENT -1;"
                  "CREATE SEQUENCE whole AS int MINVALUE -2147483648 START -2147483648; CREATE SEQUENCE late AS int START 2000000000;"
                  "CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY, small smallserial)")
        place.sql("SELECT setval('block', 1400000), setval('down', -1000000000), setval('whole', -200000000), nextval('late')")
        equal(keys(place), [("public.late", "sequence_exhaustion")], "40 %, 47 %, 45 %, and one that began near its end")
        place.sql("SELECT setval('block', 1850000), setval('down', -1900000000), setval('whole', 1400000000), setval('late', 5), pg_sleep(1.1)")
        at(place, "i_id_seq", 0.85)
        at(place, "i_small_seq", 0.96, SMALL)
        found = {f["object"]: f for f in place.findings(TOOL)}
        equal(sorted(found), ["public.block", "public.down", "public.i.id", "public.i.small", "public.whole"], "past half")
        equal(sorted(o for o, f in found.items() if f["impact"]["level"] == "critical"), ["public.i.small"], "past 90 %")
        block = found["public.block"]
        equal(block["fix"], None, "an end that somebody gave it")
        contains(block["confidence"]["terms"], {"name": "has_an_end_of_its_own", "points": -0.2}, {"name": "it_moves", "points": 0.2})
        contains(block["evidence"]["remedy"], "move its MAXVALUE")
        equal(found["public.down"]["evidence"]["end"], -2**31, "the end of a way down")
        for name in ("public.down", "public.whole", "public.i.id", "public.i.small"):
            place.sql(found[name]["fix"])
        equal(keys(place), [("public.block", "sequence_exhaustion")], "with their fixes")
        place.sql("CREATE TABLE capped (id smallint); CREATE SEQUENCE caps AS int MAXVALUE 100000 OWNED BY capped.id")
        at(place, "caps", 0.95, SMALL)
        capped = next(f for f in place.findings(TOOL) if f["object"] == "public.capped.id")
        equal(capped["fix"], "ALTER TABLE public.capped ALTER COLUMN id TYPE bigint", "an end that somebody gave it stays")


def applications_number_rows_themselves(version):
    with Given(version) as place:
        place.sql("CREATE TABLE own (id int PRIMARY KEY); CREATE TABLE few (id smallint PRIMARY KEY); CREATE TABLE plain (id int);"
                  "CREATE TABLE pair (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE wide (id bigint PRIMARY KEY);"
                  "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                  f"CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO ({INT})")
        for table, top, share in (("own", INT, 0.49), ("few", SMALL, 0.82), ("plain", INT, 0.99), ("wide", INT, 0.99), ("parts", INT, 0.9)):
            place.sql(f"INSERT INTO {table} SELECT g FROM generate_series({int(top * share)} - 500, {int(top * share)}) g; ANALYZE {table}")
        place.sql("INSERT INTO pair SELECT 2147483000, g FROM generate_series(1, 500) g; ANALYZE pair")
        equal(keys(place), [("public.few.id", "key_exhaustion"), ("public.parts.id", "key_exhaustion")], "of whole keys")
        place.sql(f"INSERT INTO own VALUES ({int(INT * 0.97)})")
        found = {f["object"]: f for f in place.findings(TOOL)}
        equal(found["public.own.id"]["evidence"]["value"], int(INT * 0.97), "what was added since ANALYZE")
        equal(found["public.own.id"]["impact"]["level"], "critical", "97 %")
        place.sql(found["public.own.id"]["fix"])
        equal([k for k in keys(place) if "own" in k[0]], [], "with the fix")


def days_are_told_from_what_it_moved(version):
    with Given(version, more=KEEPS) as place:
        place.sql("CREATE TABLE t (id serial); CREATE TABLE still (id serial)")
        at(place, "t_id_seq", 0.85)
        at(place, "still_id_seq", 0.85)
        for found in place.findings(TOOL):
            contains(found["reason"], "how fast it moves is not known yet")
            equal(found["evidence"]["days_left"], None, "without an earlier reading")
        noted = [r for r in place.waiting("lakebase_metrics") if r["metric_name"] == "key_value"]
        equal(sorted(r["object_name"] for r in noted), ["public.still.id", "public.t.id"], "what is noted")
        place.sql("SELECT setval('t_id_seq', last_value + 100000) FROM t_id_seq; SELECT pg_sleep(1.1)")
        for found in place.findings(TOOL):
            contains(found["reason"], "how fast it moves is not known yet")
            evidence, terms = found["evidence"], {t["name"]: t["points"] for t in found["confidence"]["terms"]}
            equal((evidence["days_left"], evidence["values_per_day"], evidence["rate_hours"]), (None, None, None), "of a second")
            holds(not terms.get("it_stands_still"), f"after a second: {terms}")
        ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=12)
        value = 1 + int(0.85 * (INT - 1))
        plant(place, "lakebase_metrics", [metric("key_value", ago, value, f"public.{name}.id") for name in ("t", "still")])
        found = {f["object"]: f for f in place.findings(TOOL)}
        moves, still = found["public.t.id"], found["public.still.id"]
        days, a_day = moves["evidence"]["days_left"], moves["evidence"]["values_per_day"]
        holds(abs(a_day - 200_000) < 1000 and 11.9 < moves["evidence"]["rate_hours"] < 12.1, f"rate: {moves['evidence']}")
        left = moves["evidence"]["end"] - moves["evidence"]["value"]
        holds(abs(days * a_day / left - 1) < 0.01, f"days of what is left: {moves['evidence']}")
        contains(moves["reason"], "days are left at its rate of the last 12.0 hours")
        contains(still["reason"], "it has not moved for 12.0 hours")
        holds(still["confidence"]["value"] < moves["confidence"]["value"], "one that stands still")
        rows = place.history("SELECT count(*) AS n FROM lakebase_metrics WHERE metric_name = 'key_value'")["rows"]
        equal(int(rows[0][0]), 4, "noted once an hour, beside what was planted")


def a_rate_is_of_its_database(version):
    """Of two databases of a branch that have the same table: how fast the one's key moves says nothing of the other's."""
    with Branch(version, KEEPS) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            database.sql("CREATE TABLE t (id serial PRIMARY KEY)")
            at(database, "t_id_seq", 0.6)
        ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=7)
        plant(branch, "lakebase_metrics", [metric("key_value", ago, 0.59 * INT, "public.t.id", database_name=shop.database)])
        equal(one(branch.look_at(books))["evidence"]["values_per_day"], None, "where nothing was read")
        holds(one(branch.look_at(shop))["evidence"]["values_per_day"] > 0, "where it was")
        rows = branch.history("SELECT DISTINCT database_name FROM lakebase_metrics WHERE metric_name = 'key_value'")["rows"]
        named = {row[0] for row in rows}
        equal(named, {shop.database, books.database}, "whose it is, is noted")


def an_alert_is_over_where_it_began(version):
    """Of two databases of a branch: one without such a key does not end what the other is told of."""
    def said(database):
        return [e["type"] for e in branch.look_at(database).run(TOOL)["events"] if e["payload"]["metric"] == "key_range_used"]

    with Branch(version, KEEPS) as branch, Given(version) as shop, Given(version) as books:
        shop.sql("CREATE TABLE t (id serial PRIMARY KEY)")
        at(shop, "t_id_seq", 0.91)
        equal((said(shop), said(books), said(shop)), (["threshold.breached"], [], ["threshold.breached"]), "while it is so")
        at(shop, "t_id_seq", 0.1)
        equal((said(books), said(shop), said(shop)), ([], ["threshold.cleared"], []), "once it is over")


def each_database_has_its_own_alert(version):
    """Of two whose keys have come as far: the one's end is not the other's."""
    def said(database):
        return [(e["type"].removeprefix("threshold."), e["payload"]["database"]) for e in branch.look_at(database).run(TOOL)["events"]
                if e["payload"]["metric"] == "key_range_used"]

    with Branch(version, KEEPS) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            database.sql("CREATE TABLE t (id serial PRIMARY KEY)")
            at(database, "t_id_seq", 0.91)
        equal((said(shop), said(books)), ([("breached", shop.database)], [("breached", books.database)]), "both")
        at(books, "t_id_seq", 0.1)
        equal((said(books), said(shop)), ([("cleared", books.database)], [("breached", shop.database)]), "once the one is over")


def few_days_left_are_told_of_however_much_is_left(version):
    """At 30 %, all three: one whose rate of twelve hours leaves four days, one that leaves twenty, and a load of minutes."""
    with Given(version, more=KEEPS) as place:
        now = datetime.datetime.now(datetime.timezone.utc)
        value = 1 + int(0.3 * (INT - 1))
        half_a_day = {"soon": 0.7 * INT / 8, "later": 0.7 * INT / 40}
        for name in ("soon", "later", "loaded"):
            place.sql(f"CREATE TABLE {name} (id serial)")
            at(place, f"{name}_id_seq", 0.3)
        equal(keys(place), [], "where no rate is known")
        plant(place, "lakebase_metrics", [metric("key_value", now - datetime.timedelta(hours=12), value - moved, f"public.{name}.id")
                                          for name, moved in half_a_day.items()]
              + [metric("key_value", now - datetime.timedelta(minutes=10), value - 1e8, "public.loaded.id")])
        document = place.run(TOOL)
        found = {f["object"]: f for f in document["result"]["findings"] if f["kind"] == "key_exhaustion"}
        equal({name: f["impact"]["level"] for name, f in found.items()}, {"public.soon.id": "critical", "public.later.id": "warning"},
              "levels")
        holds(3.9 < found["public.soon.id"]["evidence"]["days_left"] < 4.1, f"days: {found['public.soon.id']['evidence']}")
        told = [(e["type"], e["payload"]["metric"], e["payload"]["level"]) for e in document["events"]]
        equal(told, [("threshold.breached", "key_days_left", "critical")], "told")
        contains(document["events"][0]["payload"]["text"], "public.soon.id has no value left in 4.0 days")
        for name in ("soon", "later", "loaded"):
            place.sql(f"ALTER TABLE {name} ALTER id TYPE bigint; ALTER SEQUENCE {name}_id_seq AS bigint")
        equal([(e["type"], e["payload"]["metric"]) for e in place.run(TOOL)["events"]], [("threshold.cleared", "key_days_left")],
              "once they are wide")


def what_may_not_be_read_is_said(version):
    with Given(version) as place:
        place.sql("CREATE TABLE t (id serial)")
        at(place, "t_id_seq", 0.85)
        role = f"weak_{place.database}"
        place.at_server(f"CREATE ROLE {role} LOGIN")
        try:
            weak = place.url().replace("postgres@", f"{role}@", 1)
            done = place.cli("--json", "run", TOOL, "--dsn", weak, check=0).stdout
            contains(done, "1 sequence\"", "not for this role to read", '"risk_level":"safe"')
        finally:
            place.at_server(f"DROP ROLE {role}")
        with place.session() as busy:
            busy.stdin.write("BEGIN; ALTER SEQUENCE t_id_seq RESTART 5; SELECT 'held';\n")
            equal(busy.stdout.readline().strip(), "held", "a sequence that somebody alters")
            result = place.run(TOOL)["result"]
            contains(str(result["skipped"]), "how far they have come is not known")
            equal(result["risk_level"], "safe", "the ids are looked at all the same")
            busy.stdin.close()
        place.run(TOOL, check=1, key_warning=0.9, key_critical=0.8)


suite(*each_version(an_alert_is_over_where_it_began, each_database_has_its_own_alert, a_rate_is_of_its_database, a_narrow_column_runs_out, who_has_room_is_left_alone, ends_of_their_own_and_ways_down,
                    applications_number_rows_themselves, days_are_told_from_what_it_moved, few_days_left_are_told_of_however_much_is_left,
                    what_may_not_be_read_is_said), at_once=2)
