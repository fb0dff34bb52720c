"""What is wrong with a copy reaches people: once, with all that they need, and its end when it is in order again."""
import datetime
import json
import shlex
import time

from alert_place import People, services
from place import PATIENCE, Given, contains, each_version, equal, holds, suite
from planted import answer, plant
from receivers import Web
from sync_place import copy, one

COLUMNS = {"id": "integer", "t": "text", "updated_at": "timestamp with time zone"}
TABLE = """CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, now() - interval '3 hours' - i * interval '1 second' FROM generate_series(1, 500) AS i;
"""


def key(place, matter, target="main.public.orders"):
    return f"sync/{matter}/orders/{target}@shop/{place.database}"


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
            contains(people.line("orders and"), "warning: orders and main.public.orders: ",
                     "1 rows less than orders")
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
            compare()
            lost = key(place, "not_compared_completeness", "main.public.none")
            equal(people.told(3)[2:], [("trigger", lost)], "for longer than it may be behind")
            copy(place, columns=COLUMNS, name="none")
            compare()
            equal(people.told(4)[3:], [("resolve", lost)], "it can be again")


def drift(document):
    """What was said of the pair: {check: (kind, command)}."""
    return {e["payload"]["check"]: (e["type"], e["payload"].get("command")) for e in document["events"] or []}


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
      *each_version(a_command_judges_as_its_check_did)[-1:], *each_version(a_pause_holds_them_back)[-1:])
