"""What is wrong with a copy reaches people: once, with all that they need, and its end when it is in order again."""
import datetime
import json
import shlex
import time

from alert_place import People, services
from place import PATIENCE, Given, contains, each_version, equal, holds, suite
from planted import KEEPS, answer, plant
from receivers import Web
from sync_place import PATIENT, copy, one

COLUMNS = {"id": "integer", "t": "text", "updated_at": "timestamp with time zone"}
TABLE = """CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, now() - interval '3 hours' - i * interval '1 second' FROM generate_series(1, 500) AS i;
"""


def key(place, matter, target="main.public.orders"):
    return f"sync/{matter}/public.orders/{target}@shop/{place.database}"


def drift(document):
    """What was said of the pair: {check: (kind, command or text)}."""
    return {e["payload"]["check"]: (e["type"], e["payload"].get("command", e["payload"]["text"])) for e in document["events"] or []}


def alert(place, matter, pair="public.orders and main.public.orders", days=0, **more):
    """A step of one, so many days ago."""
    source, target = pair.split(" and ")
    plant(place, "alert_history", [{"alert_id": f"sync/{matter}/{source}/{target}@shop/{place.database}", "state": "fired",
                                    "at": datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days),
                                    "severity": "warning", "rule": "sync.drift_detected", "title": "it is wrong",
                                    "metric_name": matter, "object_name": pair, **more}])


def until(look):
    """Rows of the history follow the events that they tell of."""
    ends = time.monotonic() + PATIENCE
    while not look():
        holds(time.monotonic() < ends, "never seen")
        time.sleep(0.1)


def rows_that_differ_are_told_once_and_their_end(version):
    with Web() as slack, Web() as duty, Given(version, more=services(slack, duty)) as place:
        place.sql(TABLE)
        copy(place, columns=COLUMNS)
        with People(place, slack, duty, "sync/") as people:
            one(place, "run_full_sync_validation", scope="full")
            place.sql("INSERT INTO orders VALUES (600, 'lost', now() - interval '4 hours')")
            one(place, "validate_sync_completeness")
            equal(people.told(1), [("trigger", key(place, "rows"))], "who has lost a row")
            said = people.details(key(place, "rows"))
            equal(said["where"], f"shop/{place.database}", "where")
            contains(said["next"], "lbops run validate_sync_integrity ", "--source_table orders ", "--scope full",
                     "--target_delta_table main.public.orders")
            holds(said["since"] and said["from"].startswith("validate_sync_completeness"), f"since when, from whom: {said}")
            contains(people.line("orders and"), "warning: ", "public.orders and main.public.orders: ",
                     "1 row less than orders")
            words = said["next"].split()[1:]
            contains(place.cli("--json", *words, check=0).stdout, '"missing_keys":["600"]')
            equal(people.told(2)[1:], [("trigger", key(place, "checksum"))], "the command's own answer")
            until(lambda: answer(place, "SELECT alert_id FROM alert_history WHERE metric_name = 'checksum' AND state = 'fired'"))
            people.restart()
            one(place, "validate_sync_completeness")
            one(place, "run_full_sync_validation", scope="full")
            place.sql("DELETE FROM orders WHERE id = 600")
            one(place, "validate_sync_completeness")
            equal(people.told(3)[2:], [("resolve", key(place, "rows"))], "over, and nothing was told again")
            one(place, "validate_sync_integrity", scope="full")
            equal(people.told(4)[3:], [("resolve", key(place, "checksum"))], "the other one when it is seen alike")
            quiet = one(place, "run_full_sync_validation", scope="full")[0]
            equal([e["type"] for e in quiet["events"] or []], [], "nothing is said of what is in order and was")


def what_is_late_is_told_and_what_cannot_be_compared_for_long(version):
    with Web() as slack, Web() as duty, Given(version, more=services(slack, duty)) as place:
        place.sql(TABLE)
        copy(place, columns=COLUMNS)
        with People(place, slack, duty, "sync/") as people:
            place.sql("UPDATE orders SET updated_at = now() - interval '2 hours' WHERE id = 1")
            one(place, "track_sync_freshness", sync_type="continuous")
            equal(people.told(1), [("trigger", key(place, "freshness"))], "late")
            contains(people.details(key(place, "freshness"))["next"], "lbops run track_sync_freshness", "--max_lag_s 3600 --grace_s 60")
            one(place, "track_sync_freshness", sync_type="continuous")
            one(place, "track_sync_freshness")
            equal(people.told(2)[1:], [("resolve", key(place, "freshness"))], "a day is allowed")

            def compare():
                return place.run("validate_sync_completeness", source_table="orders", target_delta_table="main.public.none")
            compare()
            failed = answer(place, "SELECT status FROM sync_validation_history WHERE target_table = 'main.public.none'")
            equal([row["status"] for row in failed], ["not_compared"], "it is wanted, and was not compared")
            ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=25)
            plant(place, "sync_validation_history",
                  [{"validation_id": "old", "validated_at": ago, "source_table": "orders", "target_table": "main.public.none",
                    "check_type": "completeness", "status": "not_compared"}])
            alert(place, "rows", "public.orders and main.public.none", state="fired")
            said = drift(compare())
            equal(said["rows"][0], "sync.drift_cleared", "nobody knows any more, and that is an alert of its own")
            lost = key(place, "not_compared_completeness", "main.public.none")
            equal(people.told(3)[2:], [("trigger", lost)], "for longer than it may be behind")
            copy(place, columns=COLUMNS, name="none")
            compare()
            equal(people.told(4)[3:], [("resolve", lost)], "it can be again")


def a_command_judges_as_its_check_did(version):
    with Given(version) as place:
        place.sql(TABLE)
        copy(place, columns=COLUMNS)
        place.sql("UPDATE orders SET updated_at = now() - interval '170 minutes' WHERE id = 1")

        def follows(document, matter):
            kind, command = drift(document)[matter]
            equal(kind, "sync.drift_detected", matter)
            answer = json.loads(place.cli("--json", *shlex.split(command)[1:], check=0).stdout)
            equal(drift(answer).get(matter, ("nothing",))[0], kind, f"the answer of {command}")
            return command
        late = follows(one(place, "track_sync_freshness", max_lag_s=7200, grace_s=90)[0], "freshness")
        contains(late, "run track_sync_freshness ", "--max_lag_s 7200 --grace_s 90")
        place.sql("UPDATE orders SET updated_at = now() - interval '3 hours' WHERE id = 1")
        place.sql("INSERT INTO orders VALUES (600, 'lost', now() - interval '4 hours')")
        for tool in ("run_full_sync_validation", "validate_sync_integrity"):
            contains(follows(one(place, tool, scope="full", grace_s=90)[0], "checksum"), f"run {tool} ", "--scope full")


def one_check_does_not_end_what_another_finds_late(version):
    with Given(version, more=KEEPS) as place:
        place.sql(TABLE)
        copy(place, columns=COLUMNS)
        place.sql("UPDATE orders SET updated_at = now() - interval '2 hours' WHERE id = 1")
        named = place.run("validate_sync_completeness", source_table="public.orders", target_delta_table="main.public.orders", max_lag_s=3600)
        for document in (named, one(place, "validate_sync_completeness", max_lag_s=3600)[0]):
            pairs = [e["payload"]["pair"] for e in document["events"] if e["type"] == "sync.drift_detected"]
            equal(pairs, ["public.orders and main.public.orders"], "late, and of one name however it is written")
        alert(place, "freshness", source_tool="validate_sync_completeness", threshold=3600.0)
        equal(drift(one(place, "track_sync_freshness")[0]), {}, "in order by its own limit, and not by the one that was told")
        equal(drift(one(place, "run_full_sync_validation")[0]), {}, "nor here")
        place.sql("UPDATE orders SET updated_at = now() - interval '50 minutes' WHERE id = 1")
        equal(drift(one(place, "track_sync_freshness")[0])["freshness"][0], "sync.drift_cleared", "in order by both")
        place.sql("UPDATE orders SET updated_at = now() - interval '2 hours' WHERE id = 1")
        equal(drift(one(place, "validate_sync_completeness")[0])["freshness"][0], "sync.drift_cleared", "it may be later now")


def what_nobody_looks_at_any_more_ends(version):
    def completeness(**wanted):
        document = place.run("validate_sync_completeness", **wanted)
        return sorted((e["payload"]["pair"].split(" ")[0], e["payload"]["check"], e["type"]) for e in document["events"] or [])
    orders = [{"source": "orders", "target": "main.public.orders"}]
    over = "sync.drift_cleared"
    with Given(version, more=KEEPS) as place:
        place.sql(TABLE)
        copy(place, columns=COLUMNS)
        alert(place, "rows", days=200, source_tool="validate_sync_completeness")
        alert(place, "rows", days=199, state="acknowledged", source_tool=None)
        equal(completeness(pairs=orders), [("public.orders", "rows", over)], "however long ago somebody took it on")
        alert(place, "rows", state="resolved")
        for name, tool in (("gone", "validate_sync_completeness"), ("seen", "validate_sync_completeness"), ("other", "run_full_sync_validation")):
            alert(place, "rows", f"public.{name} and main.public.{name}", days=3, source_tool=tool)
        place.run("validate_sync_completeness", source_table="seen", target_delta_table="main.public.seen")
        equal(completeness(source_table="orders", target_delta_table="main.public.orders"), [], "one pair says nothing of others")
        equal(completeness(pairs=orders), [("public.gone", "rows", over)], "none but what is this tool's, and what nobody has tried")

        place.sql("INSERT INTO orders VALUES (600, 'lost', now() - interval '4 hours')")
        equal([said[1:] for said in completeness(pairs=orders) if said[0] == "public.orders"], [("rows", "sync.drift_detected")], "lost")
        place.sql("DELETE FROM orders WHERE id = 600")
        holds(("public.orders", "rows", over) in completeness(pairs=orders), "in order, though nobody wrote down that it was told")
        holds(("public.orders", "rows", over) not in completeness(pairs=orders), "and once")
        alert(place, "freshness", source_tool="track_sync_freshness", threshold=3600.0)
        equal(drift(one(place, "validate_sync_completeness", timestamp_column="none")[0]), {}, "it does not see what the other one sees")
        kind, text = drift(one(place, "track_sync_freshness", timestamp_column="none")[0])["freshness"]
        equal(kind, over, "nobody can tell")
        contains(text, "without a timestamp column")


def what_a_transaction_holds_back_is_no_end(version):
    with Given(version, more=KEEPS) as place:
        place.sql(TABLE)
        copy(place, columns=COLUMNS)
        alert(place, "rows")
        alert(place, "checksum")
        with place.session() as other:
            other.stdin.write("BEGIN; INSERT INTO orders VALUES (700, 'late', now());\n\\echo written\n")
            while other.stdout.readline() != "written\n":
                pass
            place.sql("INSERT INTO orders VALUES (800, 'later', clock_timestamp())")
            copy(place, columns=COLUMNS, key="later", first=800)
            document, result = one(place, "run_full_sync_validation", grace_s=0, scope="full")
            contains(str(result["skipped"]), "a transaction has been open for ")
            equal((result["healthy"], drift(document)), (1, {}), "healthy as far as it was compared")
            other.stdin.write("ROLLBACK;\n")
            other.stdin.close()
            other.wait()
        document, result = one(place, "run_full_sync_validation", grace_s=0, scope="full")
        contains(str(result["skipped"]), "was open when this was last looked at, and has ended")
        equal((result["healthy"], drift(document)), (1, {}), "it has ended, and the copy was not synced since")
        place.sql("INSERT INTO orders VALUES (801, 'latest', clock_timestamp())")
        copy(place, columns=COLUMNS, key="latest", first=801)
        said = drift(one(place, "run_full_sync_validation", grace_s=0, scope="full")[0])
        equal({matter: kind for matter, (kind, _) in said.items()}, dict.fromkeys(("rows", "checksum"), "sync.drift_cleared"), "all was")


def what_waits_for_the_next_sync_is_no_alert(version):
    """Between what was found wrong and what is in order lies a look that came to no verdict. What was told is over by then."""
    with Given(version, more=KEEPS) as place:
        place.sql(TABLE + "CREATE TABLE aside AS SELECT * FROM orders WHERE id = 300")
        copy(place, columns=COLUMNS)
        alert(place, "checksum", days=200, state="resolved")
        place.sql("INSERT INTO orders VALUES (600, 'lost', now() - interval '4 hours')")
        equal(drift(one(place, "validate_sync_integrity", scope="full")[0])["checksum"][0], "sync.drift_detected", "lost")
        place.sql("DELETE FROM orders WHERE id IN (600, 300)")
        document, result = one(place, "validate_sync_integrity", scope="full")
        kind, text = drift(document)["checksum"]
        equal((result["waiting"], kind), (1, "sync.drift_cleared"), "what was lost is none any more, and what was deleted may be on its way")
        contains(text, "may be on their way")
        place.sql("INSERT INTO orders SELECT * FROM aside")
        document, result = one(place, "validate_sync_integrity", scope="full")
        equal((result["healthy"], drift(document)["checksum"][0]), (1, "sync.drift_cleared"), "again, as nobody wrote down that it was told")
        equal(drift(one(place, "validate_sync_integrity", scope="full")[0]), {}, "and not after a verdict")


def each_pair_has_its_turn(version):
    pairs = [{"source": name, "target": f"main.public.{name}"} for name in ("held", "orders")]
    with Given(version) as place:
        place.transport += PATIENT
        place.write()
        place.sql(TABLE + "CREATE TABLE held (LIKE orders INCLUDING ALL); INSERT INTO held SELECT * FROM orders")
        for pair in pairs:
            copy(place, pair["source"], columns=COLUMNS)
        with place.session() as other:
            other.stdin.write("BEGIN; LOCK TABLE held;\n\\echo held\n")
            while other.stdout.readline() != "held\n":
                pass
            cut = place.run("validate_sync_completeness", pairs=pairs, timeout=8)["result"]
            equal((cut.get("completeness", []), cut["not_compared"]), ([], 2), "the first one takes all of the time")
            then = place.run("validate_sync_completeness", pairs=pairs, timeout=15)["result"]
            equal([p["source"] for p in then["completeness"]], ["orders"], "the other one comes first")
            other.stdin.close()
            other.wait()


def a_pause_holds_them_back(version):
    works = "".join(f'[[windows]]\nname = "works"\nkind = "pause"\nopens = "{opens} * * * *"\nlasts_min = {minutes}\n'
                    for opens, minutes in ((0, 59), (59, 1)))
    with Given(version, more=works) as place:
        place.sql(TABLE)
        copy(place, columns=COLUMNS)
        place.sql("INSERT INTO orders VALUES (600, 'lost', now() - interval '4 hours')")
        document, result = one(place, "validate_sync_completeness")
        kinds = [(e["type"], e["payload"]["check"]) for e in document["events"] or []]
        equal((("sync.drift_detected", "rows") in kinds, len(result["findings"])), (False, 1), "found, and not told")
        place.write("")
        kinds = [(e["type"], e["payload"]["check"]) for e in one(place, "validate_sync_completeness")[0]["events"]]
        holds(("sync.drift_detected", "rows") in kinds, f"told when it is over: {kinds}")


suite(*each_version(rows_that_differ_are_told_once_and_their_end, what_is_late_is_told_and_what_cannot_be_compared_for_long),
      *each_version(a_command_judges_as_its_check_did)[-1:], *each_version(each_pair_has_its_turn)[-1:],
      *each_version(what_a_transaction_holds_back_is_no_end)[-1:], *each_version(what_waits_for_the_next_sync_is_no_alert)[-1:],
      *each_version(one_check_does_not_end_what_another_finds_late, what_nobody_looks_at_any_more_ends), *each_version(a_pause_holds_them_back)[-1:])
