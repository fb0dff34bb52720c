"""A database that is watched, and people who hear of it: a daemon of its own, a Slack and a PagerDuty on loopback."""

import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "daemon"))
from place import PATIENCE, holds  # noqa: E402
from planted import KEEPS  # noqa: E402
from receivers import Web  # noqa: E402


COUNT = itertools.count(1)


def services(slack, duty):
    """Additions to a manifest whose end is its [secrets]. Their names are their own: others run beside."""
    names = [f"LBOPS_TEST_{who}_{next(COUNT)}" for who in ("SLACK", "DUTY")]
    os.environ.update(zip(names, (f"{slack.url}/services/T0", "R0UT1NG")))
    return (f'slack = {{ env = "{names[0]}" }}\nduty = {{ env = "{names[1]}" }}\n' + KEEPS
            + '[services.alert.slack]\nplugin = "alert_slack"\nurl = { secret = "slack" }\n'
            + f'[services.alert.duty]\nplugin = "alert_pagerduty"\nurl = "{duty.url}/v2/enqueue"\n'
            + 'routing_key = { secret = "duty" }\n')


class People:
    """The daemon of a place, and what its receivers have of alerts whose keys begin so."""

    def __init__(self, place, slack, duty, about):
        self.place, self.slack, self.duty, self.about = place, slack, duty, about
        self.daemon = None
        self.up()

    def up(self):
        self.daemon = self.place.start("serve")
        self.wait(lambda: self.place.cli("status").returncode == 0, "the daemon is there")

    def restart(self):
        """It is killed, as by a crash."""
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        self.up()

    def down(self):
        self.daemon.terminate()
        try:
            self.daemon.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.daemon.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    def wait(self, condition, what):
        until = time.monotonic() + PATIENCE
        while not condition():
            holds(time.monotonic() < until and self.daemon.poll() is None, f"{what}: {self.pages()}, {self.lines()}")
            time.sleep(0.05)

    def pages(self):
        """What PagerDuty was told: (action, key)."""
        events = [note["json"] for note in list(self.duty.taken)]
        return [(e["event_action"], e["dedup_key"]) for e in events if e["dedup_key"].startswith(self.about)]

    def lines(self):
        return [note["json"]["text"] for note in list(self.slack.taken)]

    def details(self, key):
        return next(n["json"]["payload"]["custom_details"] for n in self.duty.taken
                    if n["json"]["dedup_key"] == key and n["json"]["event_action"] == "trigger")

    def line(self, words):
        """Slack's first that has the words in it, once it is there."""
        def lines():
            return [text for text in self.lines() if words in text]
        self.wait(lines, f"Slack hears of {words}")
        return lines()[0]

    def told(self, count):
        """So many at least; what was told once too often stands before the next one that is asked for."""
        self.wait(lambda: len(self.pages()) >= count, f"{count} notes of {self.about}")
        return self.pages()


