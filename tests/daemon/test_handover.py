"""Alerts of two hosts that share their state, whose receivers are away while one host dies: who hears what, and in which order."""

import base64
import contextlib
import json
import os
import re
import sys
import time

from daemon import HOSTILE, PLUGINS, Daemon, contains, equal, holds, suite
from receivers import Web

PLACES = (PLUGINS, HOSTILE, os.environ["LBOPS_DAEMON_PLUGINS"])
URL = os.environ.get("LBOPS_TEST_PG17")
if not URL:
    sys.exit(77)

NAMES = ("team", "pager", "hook")


def manifest(place, schema, receivers):
    """Three channels, which are tried each second."""
    secrets = {"team": receivers["team"].url + "/services/x", "pager": "R0UT1NGKEY",
               "hook": "whsec_" + base64.b64encode(bytes(range(24))).decode()}
    for name, text in secrets.items():
        (place / name).write_text(text)
        (place / name).chmod(0o600)
    lines = ["[secrets]"] + [f'{name} = {{ file = "{place / name}" }}' for name in NAMES]
    return "\n".join(lines) + f"""
[services.state]
plugin = "state_postgres"
dsn = "{URL}"
schema = "{schema}_{os.getpid()}"

[alerts]
remind_warning_s = 1

[services.alert.team]
plugin = "alert_slack"
url = {{ secret = "team" }}
retry_most_s = 1

[services.alert.pager]
plugin = "alert_pagerduty"
url = "{receivers["pager"].url}"
routing_key = {{ secret = "pager" }}
retry_most_s = 1

[services.alert.hook]
plugin = "alert_webhook"
url = "{receivers["hook"].url}/in"
secret = {{ secret = "hook" }}
retry_most_s = 1
"""


@contextlib.contextmanager
def two(schema):
    """Both hosts are up, and so are the channels."""
    with Web() as team, Web() as pager, Web() as hook, Daemon("", "a", plugins=PLACES) as a:
        receivers = {"team": team, "pager": pager, "hook": hook}
        with Daemon("", "b", a.place, plugins=PLACES) as b:
            for daemon in (a, b):
                daemon.write(manifest(daemon.place, schema, receivers))
                daemon.start()
            yield a, b, receivers


def breach(daemon, first=1, **args):
    equal(daemon.run("breaches", project="shop", branch="production", first=first, **args).exit, 0, "breaches")


def heard(receivers, number):
    """What each channel was told of that object, in order: what begins, gets worse and ends."""
    said = {}
    for name, receiver in receivers.items():
        said[name] = []
        for note in receiver.taken:
            body = note["json"]
            line = body.get("text") or body.get("data", {}).get("text") or body.get("payload", {}).get("summary", "")
            key = line if name != "pager" else line + body["dedup_key"]
            if not re.search(rf"object[ %20_+]*{number}\b", key):
                continue
            said[name].append("end" if body.get("event_action") == "resolve" or "resolved: " in line or
                              body.get("data", {}).get("change") == "resolved" else
                              "worse" if "critical now" in line or body.get("data", {}).get("change") == "escalated" else
                              "begins")
    return said


def away(receivers):
    for receiver in receivers.values():
        receiver.down()


def back(receivers):
    for receiver in receivers.values():
        receiver.up()


def missed(daemon, number, names=NAMES):
    for name in names:
        daemon.wait(lambda name=name: re.search(rf"object {number}\S* is not delivered yet to {name}", daemon.log()),
                    f"{name} is missed")


def die(daemon):
    """Its services end what they have in hand, which is before a lease does."""
    pids = [s["pid"] for s in daemon.status()["services"] if s.get("pid")]
    daemon.kill()
    until = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        holds(time.monotonic() < until, "its services go on")
        time.sleep(0.1)


def dropped(daemon, number):
    """Of that object, by channel: the notes that are told to nobody any more."""
    found = re.findall(rf"object {number}\S*, open since .{{19,27}}, is not told to (\w+) any more \((\w+) was not delivered\)",
                       daemon.log())
    return {name: [change for to, change in found if to == name] for name in NAMES}


def each(*words):
    return {name: list(words) for name in NAMES}


def what_another_host_has_ended_is_not_told_any_more():
    """The first host dies with its notes undelivered, the other one ends the alert, which may begin anew, and the first comes back."""
    with two("ended") as (a, b, receivers):
        breach(a, 1)
        breach(a, 9, level="critical")
        a.wait(lambda: heard(receivers, 9) == each("begins"), "what was there before")
        away(receivers)
        breach(a, 2)
        breach(a, 2, level="critical")
        breach(a, 3)
        missed(a, 2)
        die(a)
        back(receivers)
        breach(b, 2, over=True)
        breach(b, 3, over=True)
        breach(b, 3)
        breach(b, 5)
        b.wait(lambda: heard(receivers, 5) == each("begins"), "each channel has heard what came before this, in its order")
        equal({words[-1:] == ["begins"] for words in heard(receivers, 3).values()}, {True}, "it has begun anew")
        before = heard(receivers, 2), heard(receivers, 3)
        a.start()
        breach(a, 4)
        a.wait(lambda: heard(receivers, 4) == each("begins"), "what comes after them")
        equal((heard(receivers, 2), heard(receivers, 3)), before, "what is told after its end")
        equal(dropped(a, 2), each("opened", "escalated"), "what the log says of them")
        equal(dropped(a, 3), each("opened"), "and of one that has begun anew")
        contains(a.log(), "by another host's log it is over at ", "by another host's log it was over and has begun anew at ")
        for daemon, number in ((a, 3), (b, 4), (b, 9)):  # whichever host has begun it
            breach(daemon, number, over=True)
        b.wait(lambda: all(words[-1:] == ["end"] for number in (3, 4, 9) for words in heard(receivers, number).values()), "all ends")
        equal(heard(receivers, 9), each("begins", "end"), "one that another host has ended")


def what_is_ended_elsewhere_while_it_is_tried_is_dropped():
    """The host that lives goes on trying; within its own log the end follows, and both are told."""
    with two("tried") as (a, b, receivers):
        away(receivers)
        breach(a, 1)
        missed(a, 1)
        breach(a, 2)
        breach(a, 2, over=True)
        breach(b, 1, over=True)
        a.wait(lambda: dropped(a, 1) == each("opened"), "none is tried any more")
        missed(a, 2)
        back(receivers)
        a.wait(lambda: heard(receivers, 2) == each("begins", "end"), "what this host has ended itself")
        holds("begins" not in sum(heard(receivers, 1).values(), []), f"it was told after its end: {heard(receivers, 1)}")


def the_host_that_lives_tells_what_the_dead_one_could_not():
    """Those whom it has not reached hear of it once, and then of its end; when it comes back it says nothing of it."""
    with two("taken") as (a, b, receivers):
        breach(a, 1)
        a.wait(lambda: heard(receivers, 1) == each("begins"), "all have heard of the first")
        receivers["team"].down()
        receivers["hook"].down()
        breach(a, 2)
        missed(a, 2, ("team", "hook"))
        away(receivers)
        breach(a, 3)
        breach(a, 3, level="critical")
        missed(a, 3, ("pager",))
        die(a)
        back(receivers)
        b.wait(lambda: heard(receivers, 2) == heard(receivers, 3) == each("begins"), "the other host tells the rest")
        contains(json.dumps(receivers["team"].taken[-1]["json"]) + json.dumps(receivers["team"].taken[-2]["json"]), "critical: ")
        a.start()
        breach(a, 4)
        a.wait(lambda: heard(receivers, 4) == each("begins"), "what comes after them")
        equal(dropped(a, 2), {"team": ["opened"], "pager": [], "hook": ["opened"]}, "what its own log still held")
        equal(dropped(a, 3), each("opened", "escalated"), "of the third, too")
        breach(b, 3, over=True)
        breach(a, 2, over=True)
        breach(b, 1, over=True)
        b.wait(lambda: all(heard(receivers, n) == each("begins", "end") for n in (1, 2, 3)), "each begins once and ends once")


def a_host_that_dies_too_leaves_it_to_the_first():
    """Nobody is there while both are dead; the first comes back and tells what either has left."""
    with two("back") as (a, b, receivers):
        away(receivers)
        breach(a, 1)
        missed(a, 1)
        die(a)
        missed(b, 1)
        die(b)
        back(receivers)
        a.start()
        a.wait(lambda: heard(receivers, 1) == each("begins"), "it is told")
        b.start()
        breach(b, 1, over=True)
        breach(b, 2)
        b.wait(lambda: heard(receivers, 2) == each("begins"), "what comes after it")
        b.wait(lambda: heard(receivers, 1) == each("begins", "end"), "its end")
        equal(dropped(b, 1), each("opened"), "what the second had begun to tell")


def what_was_seen_before_its_end_elsewhere_begins_nothing():
    """What a run has seen while no daemon was there waits in the log; another host has seen more since."""
    with two("older") as (a, b, receivers):
        die(a)
        a.cli("run", "breaches", "--project", "shop", "--branch", "production", "--first", "1", check=0)
        a.cli("run", "breaches", "--project", "shop", "--branch", "production", "--first", "2", "--over", check=0)
        breach(b, 1)
        breach(b, 1, over=True)
        breach(b, 2)
        b.wait(lambda: heard(receivers, 1) == each("begins", "end") and heard(receivers, 2) == each("begins"), "what the other tells")
        a.start()
        breach(a, 3)
        a.wait(lambda: heard(receivers, 3) == each("begins"), "what comes after them")
        equal((heard(receivers, 1), heard(receivers, 2)), (each("begins", "end"), each("begins")), "what is older than that")


suite(what_another_host_has_ended_is_not_told_any_more, what_is_ended_elsewhere_while_it_is_tried_is_dropped,
      the_host_that_lives_tells_what_the_dead_one_could_not, a_host_that_dies_too_leaves_it_to_the_first,
      what_was_seen_before_its_end_elsewhere_begins_nothing, at_once=4)
