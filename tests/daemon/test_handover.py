"""Alerts of two hosts that share their state, whose receivers are away while one host dies: who hears what, and in which order."""

import base64
import contextlib
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


def missed(daemon, number, key=""):
    for name in NAMES:
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
        b.wait(lambda: all(words[-1:] == ["begins"] for words in heard(receivers, 3).values()), "it has begun anew")
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


suite(what_another_host_has_ended_is_not_told_any_more, what_is_ended_elsewhere_while_it_is_tried_is_dropped, at_once=2)
