"""Days that cost too much reach people once, and a weekend that is as weekends are does not.

Its name is not test_: the emulator answers SQL with packages that only the tests' own Python has."""
import datetime
import json
import os

from alert_place import People, services
from place import Workspace, contains, equal, holds, suite
from planted import KEEPS
from receivers import Web

TOOL = "track_cost_attribution"
KEY = "cost/@shop/production"
WORDS = "--currency USD --catalog system --schema billing --sigmas 3 --share 0.3 --least_money 5"


def with_people(place, slack, duty):
    ready = place.emulator.ready
    os.environ["LBOPS_TEST_SECRET"] = ready["client_secret"]
    place.write(services(slack, duty).replace(KEEPS, warehouse(ready)))


def warehouse(ready):
    return (
        f'[services.delta]\nplugin = "delta_databricks"\nhost = "{ready["url"]}"\nclient_id = "{ready["client_id"]}"\n'
        f'client_secret = {{ secret = "principal" }}\nca_file = "{ready["ca_file"]}"\npoll_ms = 10\nretry_pause_ms = 10\n'
        f'warehouse_id = "{ready["warehouse_id"]}"\nflush_interval_s = 3600\n')


def day(age):
    return datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=age)


def bill(place, branch="production", **odd):
    """Busy weekdays and quiet weekends; odd: d4=300: so much four days ago."""
    compute = {str(day(age)): 20 if day(age).weekday() >= 5 else 100 for age in range(35)}
    compute.update({str(day(int(name[1:]))): quantity for name, quantity in odd.items()})
    place.emulator.control("POST", "usage", {"project": "shop", "branch": branch, "compute": compute})


def read(place, **more):
    return place.run(TOOL, branch="", **more)["events"] or []


def a_day_that_does_not_fit_is_told_once_and_a_weekend_is_not():
    with Web() as slack, Web() as duty, Workspace() as place:
        place.project()
        place.run("create_ops_catalog", branch="")
        with_people(place, slack, duty)
        with People(place, slack, duty, "cost/") as people:
            bill(place)
            equal(read(place), [], "weeks as they are, weekends and Mondays among them")
            bill(place, d4=300, d3=300, d2=300)
            equal([e["type"] for e in read(place)], ["cost.anomaly"], "three days of one branch")
            equal(people.told(1), [("trigger", KEY)], "at PagerDuty")
            said = people.details(KEY)
            equal((said["where"], said["next"], said["since"][:10]), ("shop/production", f"lbops run {TOOL} --days 35 {WORDS}", str(day(4))),
                  "where, what next, since when")
            command = json.loads(place.cli("--json", *said["next"].split()[1:], check=0).stdout)
            equal((command["events"] or [], len(command["result"]["findings"]) >= 3), ([], True), "it judges as was judged")
            contains(people.line("shop/production cost"), "USD on 3 days from", str(day(2)), "is usual for the weekdays")
            equal(read(place), [], "each day is told once")
            people.restart()
            equal(read(place), [], "after a restart, too")
            bill(place, d4=300, d3=300, d2=300, d5=290)
            equal([e["payload"]["days"] for e in read(place)], [1], "one more, as the bill is restated: of the alert that is open")
            bill(place, d4=300, d3=300, d5=290, d2=(20 if day(2).weekday() >= 5 else 100) + 10)
            equal(read(place), [], "less than an anomaly, and more than half of one: it stands")
            bill(place, d4=300, d3=300, d5=290)
            equal([e["type"] for e in read(place)], ["cost.normal"], "its newest day is as it should be")
            equal(people.told(2), [("trigger", KEY), ("resolve", KEY)], "one alert from beginning to end")
            equal(read(place), [], "what was told is not told again")
            holds(place.findings(TOOL, branch=""), "the days are findings all the same")


def a_look_at_another_bill_ends_nothing():
    with Workspace() as place:
        place.project()
        place.run("create_ops_catalog", branch="")
        ready = place.emulator.ready
        place.write(warehouse(ready))
        bill(place, d4=300, d3=300, d2=300)
        equal([e["payload"]["days"] for e in read(place, share=0.1)], [3], "what the schedule finds")
        equal(read(place, currency="EUR"), [], "without a price nothing is known")
        equal([e["type"] for e in read(place)], ["cost.anomaly"], "by another rule, which has an account of its own")
        equal(read(place, days=3, share=0.1), [], "few days say nothing")
        equal(read(place, share=0.1), [], "nor do they make the others forget what they told")
        bill(place, d4=300, d3=300, d2=None, d1=None, d0=None)
        equal(read(place, share=0.1), [], "what has not been billed yet is not calm")
        bill(place, d4=300, d3=300)
        equal([e["type"] for e in read(place, share=0.1)], ["cost.normal"], "its own end")
        equal([e["type"] for e in read(place)], ["cost.normal"], "and the other one's")


def a_branch_that_is_not_billed_any_more_costs_what_is_usual():
    with Workspace() as place:
        place.project()
        place.run("create_branch_on_pr", branch="", pr_number=7, source_branch="production")
        place.run("create_ops_catalog", branch="")
        place.write(warehouse(place.emulator.ready))
        bill(place)
        bill(place, "ci-pr-7", d4=300, d3=300, d2=300)
        equal([(e["type"], e["payload"]["account"]) for e in read(place)], [("cost.anomaly", "shop/ci-pr-7")], "of one branch")
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop/branches/ci-pr-7", purge="true"))
        equal(read(place, days=3), [], "in three days there need be no line")
        equal([(e["type"], e["payload"]["account"]) for e in read(place)], [("cost.normal", "shop/ci-pr-7")], "in five weeks there would be")
        equal(read(place), [], "once")


suite(a_branch_that_is_not_billed_any_more_costs_what_is_usual, a_look_at_another_bill_ends_nothing, a_day_that_does_not_fit_is_told_once_and_a_weekend_is_not)
