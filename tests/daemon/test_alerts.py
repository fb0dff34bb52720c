"""Alerts to Slack, PagerDuty, webhooks and mailboxes: what they say, and that each arrives once, whatever goes away."""

import base64
import hashlib
import hmac
import json

from daemon import Daemon, contains, equal, holds, suite
from receivers import Mail, Web

SECRET_KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(SECRET_KEY).decode()


def alerting(plugin, **params):
    """A daemon whose alerts go there. A parameter secret_NAME is a secret, in a file."""
    daemon = Daemon()
    lines, secrets = [f'[services.alert]\nplugin = "{plugin}"'], ["[secrets]"]
    for name, value in params.items():
        if name.startswith("secret_"):
            path = daemon.place / name
            path.write_text(value)
            path.chmod(0o600)
            secrets.append(f'{name} = {{ file = "{path}" }}')
            lines.append(f'{name[7:]} = {{ secret = "{name}" }}')
        else:
            lines.append(f"{name} = {json.dumps(value)}")
    daemon.write("\n".join(lines + secrets) + "\n")
    return daemon


def ask(daemon, line):
    """Something waits for a person: an alert of its own. Its id."""
    run = daemon.run("appends", file=daemon.place / "lines", line=line)
    return run.member("document")["approvals"][0]["id"]


def told(daemon, receiver, count):
    daemon.wait(lambda: len(receiver.taken) >= count, f"{count} notes have arrived")
    return receiver.taken


def a_slack_message_says_what_and_what_to_do():
    with Web() as slack, alerting("alert_slack", secret_url=slack.url + "/services/T0/B0/key") as daemon:
        daemon.start()
        request = ask(daemon, "one<!channel>&")
        note = told(daemon, slack, 1)[0]
        equal(note["path"], "/services/T0/B0/key", "the address")
        contains(note["json"]["text"], "info: waits for a person")
        section = note["json"]["attachments"][0]["blocks"][0]["text"]
        equal(section["type"], "mrkdwn", "the form")
        contains(section["text"], f"`lbops approvals {request}`", "*where*", "*when*")
        holds("<!channel>" not in note["text"], "a name calls people")
        daemon.ask("deny", id=request, reason="no")
        contains(told(daemon, slack, 2)[1]["json"]["text"], "resolved: ")
        holds("/services/T0" not in daemon.log(), "the address, which is a secret, is in the log")


def an_incident_is_triggered_and_resolved_under_one_key():
    with Web() as duty, alerting("alert_pagerduty", url=duty.url + "/v2/enqueue", secret_routing_key="R0UT1NGKEY") as daemon:
        daemon.start()
        request = ask(daemon, "one")
        told(daemon, duty, 1)
        daemon.ask("deny", id=request, reason="no")
        events = [n["json"] for n in told(daemon, duty, 2)]
        equal([e["event_action"] for e in events], ["trigger", "resolve"], "actions")
        equal({e["routing_key"] for e in events}, {"R0UT1NGKEY"}, "the routing key")
        equal(len({e["dedup_key"] for e in events}), 1, "keys")
        payload = events[0]["payload"]
        equal((payload["severity"], payload["component"]), ("info", "lbops"), "the payload")
        contains(payload["custom_details"]["next"], request)
        holds("R0UT1NGKEY" not in daemon.log(), "the routing key is in the log")


def a_webhook_is_signed_and_says_when_it_repeats():
    with Web() as hook, alerting("alert_webhook", url=hook.url + "/in", secret_secret=SECRET) as daemon:
        hook.script = [503, 500]
        daemon.start()
        ask(daemon, "one")
        note = told(daemon, hook, 1)[0]
        equal(len({n["headers"]["webhook-id"] for n in hook.seen}), 1, "ids of one note that was sent again")
        holds(len(hook.seen) == 3, f"it was sent {len(hook.seen)} times")
        signed = ".".join((note["headers"]["webhook-id"], note["headers"]["webhook-timestamp"], note["text"]))
        code = base64.b64encode(hmac.new(SECRET_KEY, signed.encode(), hashlib.sha256).digest()).decode()
        equal(note["headers"]["webhook-signature"], f"v1,{code}", "the signature")
        data = note["json"]["data"]
        equal((note["json"]["type"], data["change"], data["severity"]), ("alert.opened", "opened", "info"), "the body")
        equal(data["alert"]["kind"], "approval.requested", "the event in it")


def a_mail_can_be_read_and_threads():
    with Mail() as box, alerting("alert_email", server=box.url, **{"from": "lbops@example.org"},
                                 to=["anna@example.org", "bob@example.org"]) as daemon:
        daemon.start()
        request = ask(daemon, "one")
        told(daemon, box, 1)
        daemon.ask("deny", id=request, reason="no")
        first, second = [m["mail"] for m in told(daemon, box, 2)]
        equal(box.taken[0]["to"], ["anna@example.org", "bob@example.org"], "who gets it")
        contains(first["Subject"], "info: waits for a person")
        contains(second["Subject"], "resolved: ")
        contains(first.get_content(), f"next    lbops approvals {request}", "where   ", "when    ")
        equal(first["References"], second["References"], "the thread")
        holds(first["Message-ID"] != second["Message-ID"], "two mails have one id")
        holds(max(len(line) for line in box.taken[0]["raw"].splitlines()) <= 78, "a line that relays would break")


def each_alert_arrives_once(receiver, daemon):
    """The receiver goes away before the first alert and comes back; the daemon is killed and started again meanwhile."""
    with receiver, daemon:
        receiver.down()
        daemon.start()
        for line in ("one", "two"):
            ask(daemon, line)
        daemon.wait(lambda: "is not delivered yet" in daemon.log(), "the receiver is missed")
        daemon.kill()
        ready = daemon.start()
        ask(ready, "three")
        receiver.up()
        told(daemon, receiver, 3)
        daemon.kill()
        daemon.start()  # what it had sent is not sent again
        ask(daemon, "four")
        told(daemon, receiver, 4)
        equal(daemon.stop(), 0, "its exit code")
        texts = [n["raw"].decode() if "raw" in n else n["text"] for n in receiver.taken]
        equal(len(texts), 4, "notes")
        equal(len(set(texts)), 4, "different notes")


def slack_goes_away_and_comes_back():
    slack = Web()
    each_alert_arrives_once(slack, alerting("alert_slack", secret_url=slack.url + "/services/x"))


def pagerduty_goes_away_and_comes_back():
    duty = Web()
    each_alert_arrives_once(duty, alerting("alert_pagerduty", url=duty.url, secret_routing_key="R0UT1NGKEY"))


def the_mail_server_goes_away_and_comes_back():
    box = Mail()
    each_alert_arrives_once(box, alerting("alert_email", server=box.url, **{"from": "lbops@example.org"},
                                          to=["anna@example.org"]))


def what_is_refused_for_good_is_written_down_and_the_next_goes_out():
    with Web() as duty, alerting("alert_pagerduty", url=duty.url, secret_routing_key="R0UT1NGKEY") as daemon:
        duty.script = [(400, {}, '{"status":"invalid event","message":"R0UT1NGKEY is wrong"}')]
        daemon.start()
        ask(daemon, "one")
        ask(daemon, "two")
        told(daemon, duty, 1)
        rows = json.loads(daemon.cli("--json", "sql", "select state, channels_failed from alert_history order by \"at\"",
                                     check=0).stdout)["rows"]
        contains(json.dumps(rows), "delivery_failed")
        holds("R0UT1NGKEY" not in json.dumps(rows), "the routing key is in the history")


def a_limit_is_respected():
    with Web() as slack, alerting("alert_slack", secret_url=slack.url) as daemon:
        slack.script = [(429, {"Retry-After": "1"}, "ratelimited")]
        daemon.start()
        ask(daemon, "one")
        told(daemon, slack, 1)
        equal(len(slack.seen), 2, "requests")


def settings_that_cannot_work_are_refused_with_a_hint():
    for plugin, params, words in (
            ("alert_slack", {"secret_url": "http://hooks.example.org/x"}, ("https",)),
            ("alert_webhook", {"url": "https://a.example/x", "secret_secret": "short"}, ("too short",)),
            ("alert_email", {"server": "smtp://127.0.0.1:1", "from": "me", "to": ["a@b.example"]}, ("no mail address",)),
            ("alert_email", {"server": "smtp://127.0.0.1:1", "from": "a@b.example", "to": ["a@b.example\r\nBcc: c@d.example"]},
             ("no mail address",)),
            ("alert_email", {"server": "http://x", "from": "a@b.example", "to": ["a@b.example"]}, ("smtp",))):
        with alerting(plugin, **params) as daemon:
            daemon.start()
            daemon.wait(lambda: all(word in daemon.log() for word in words), f"{plugin} says {words}")


suite(a_slack_message_says_what_and_what_to_do, an_incident_is_triggered_and_resolved_under_one_key,
      a_webhook_is_signed_and_says_when_it_repeats, a_mail_can_be_read_and_threads, slack_goes_away_and_comes_back,
      pagerduty_goes_away_and_comes_back, the_mail_server_goes_away_and_comes_back,
      what_is_refused_for_good_is_written_down_and_the_next_goes_out, a_limit_is_respected,
      settings_that_cannot_work_are_refused_with_a_hint, at_once=4)
