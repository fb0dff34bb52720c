"""Alerts to Slack, PagerDuty, webhooks and mailboxes: what they say, and that each arrives once, whatever goes away."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import signal

from daemon import HOSTILE, PLUGINS, Daemon, contains, equal, holds, suite
from receivers import Mail, Web

PLACES = (PLUGINS, HOSTILE, os.environ["LBOPS_DAEMON_PLUGINS"])
SECRET_KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(SECRET_KEY).decode()


def service_lines(daemon, header, plugin, params):
    """One alert service of a manifest. A parameter secret_NAME is a secret, in a file."""
    lines, secrets = [f'{header}\nplugin = "{plugin}"'], []
    for name, value in params.items():
        if name.startswith("secret_"):
            held = header.strip("[]").replace(".", "_") + name
            path = daemon.place / held
            path.write_text(value)
            path.chmod(0o600)
            secrets.append(f'{held} = {{ file = "{path}" }}')
            lines.append(f'{name[7:]} = {{ secret = "{held}" }}')
        else:
            lines.append(f"{name} = {json.dumps(value)}")
    return lines, secrets


def alerting(plugin, **params):
    """A daemon whose alerts go there."""
    daemon = Daemon(plugins=PLACES)
    lines, secrets = service_lines(daemon, "[services.alert]", plugin, params)
    daemon.write("\n".join([*lines, "[secrets]", *secrets]) + "\n")
    return daemon


def routing(routes="", **services):
    """A daemon with several alert services: name = (plugin, parameters)."""
    daemon = Daemon(plugins=PLACES)
    lines, secrets = [], ["[secrets]"]
    for name, (plugin, params) in services.items():
        more, hidden = service_lines(daemon, f"[services.alert.{name}]", plugin, params)
        lines, secrets = lines + more, secrets + hidden
    daemon.write("\n".join(lines + secrets + [routes]) + "\n")
    return daemon


def route(to, **conditions):
    return "\n".join(["[[alert_routes]]", f"to = {json.dumps(to)}"] +
                     [f"{name} = {json.dumps(value)}" for name, value in conditions.items()])


def breach(daemon, branch="production", check=0, **args):
    """Metrics of a branch past their limits, or back: an alert each."""
    equal(daemon.run("breaches", project="shop", branch=branch, **args).exit, check, "breaches")


def reported(daemon, words):
    return json.loads(daemon.cli("--json", "sql", words, check=0).stdout)["rows"]


def ask(daemon, line):
    """Something waits for a person: an alert of its own. Its id."""
    run = daemon.run("appends", file=daemon.place / "lines", line=line)
    return run.member("document")["approvals"][0]["id"]


def told(daemon, receiver, count):
    daemon.wait(lambda: len(receiver.taken) >= count, f"{count} notes have arrived")
    return receiver.taken


def a_check_says_which_services_would_not_open():
    """check --online opens each, and leaves nothing behind: no file of another's, no note, no place of its own."""
    with Web() as web, routing(good=("alert_webhook", {"url": web.url, "secret_secret": SECRET}), file=("alert_file", {})) as daemon:
        there, temporary = daemon.place / "elsewhere.ndjson", daemon.place / "tmp"
        temporary.mkdir()
        daemon.start()  # which has its file open while the check looks
        daemon.wait((daemon.state / "alerts" / "file" / "alerts.ndjson").exists, "the daemon has opened its file")
        text, (services, hidden) = daemon.manifest.read_text(), service_lines(
            daemon, "[services.alert.short]", "alert_webhook", {"url": web.url, "secret_secret": "short"})
        services += ['[services.alert.plain]\nplugin = "alert_slack"\nurl = { secret = "plain" }',
                     f'[services.alert.away]\nplugin = "alert_file"\nfile = "{there}"',
                     '[services.alert.nowhere]\nplugin = "alert_file"\nfile = "/nonexistent/alerts.ndjson"']
        address = daemon.place / "address"
        address.write_text("http://hooks.example.org/x")
        address.chmod(0o600)
        hidden += [f'plain = {{ file = "{address}" }}']
        daemon.manifest.write_text(text.replace("[secrets]", "\n".join([*services, "[secrets]", *hidden])))
        done = daemon.cli("--json", "check", "--online", env={"TMPDIR": str(temporary)})
        found = {a["name"]: a for a in json.loads(done.stdout)["online"]["alerts"]}
        equal({name: a["status"] for name, a in found.items()},
              {"good": "ok", "file": "ok", "away": "ok", "short": "failed", "plain": "failed", "nowhere": "failed"},
              "which open")
        contains(found["short"]["error"]["message"], "too short")
        contains(found["plain"]["error"]["message"], "no https address")
        contains(found["nowhere"]["error"]["message"], "/nonexistent")
        holds(done.returncode != 0, "a service that does not open is a failure")
        equal((web.seen, there.exists(), list(temporary.iterdir())), ([], False, []), "what the check leaves behind")
        shown = daemon.cli("check", "--online").stdout
        contains(shown, "alerts, good (alert_webhook): opens; nothing was sent", "alerts, plain (alert_slack): failed: ")


def a_slack_message_says_what_and_what_to_do():
    with Web() as slack, alerting("alert_slack", secret_url=slack.url + "/services/T0/B0/key") as daemon:
        daemon.start()
        request = ask(daemon, "one<!channel>&")
        note = told(daemon, slack, 1)[0]
        equal(note["path"], "/services/T0/B0/key", "the address")
        contains(note["json"]["text"], "info: waits for a person")
        section = note["json"]["attachments"][0]["blocks"][0]["text"]
        equal(section["type"], "mrkdwn", "the form")
        contains(section["text"], f"`lbops approvals {request}`", "*where*", "*since*")
        holds("<!channel>" not in note["text"], "a name calls people")
        daemon.ask("deny", id=request, reason="no")
        contains(told(daemon, slack, 2)[1]["json"]["text"], "resolved: tester denied: ")
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


def incidents_whose_keys_are_long_stay_apart():
    """PagerDuty takes 255 characters: these keys differ after them."""
    with Web() as duty, alerting("alert_pagerduty", url=duty.url + "/v2/enqueue", secret_routing_key="R0UT1NGKEY") as daemon:
        daemon.start()
        breach(daemon, metric="m" * 300, count=2)
        told(daemon, duty, 2)
        breach(daemon, metric="m" * 300, count=2, over=True)
        events = [n["json"] for n in told(daemon, duty, 4)]
        keys = {action: sorted(e["dedup_key"] for e in events if e["event_action"] == action) for action in ("trigger", "resolve")}
        equal((len(set(keys["trigger"])), keys["resolve"]), (2, keys["trigger"]), f"keys: {keys}")
        equal({len(key) for key in keys["trigger"]}, {255}, "their length")


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
        contains(first.get_content(), f"next    lbops approvals {request}", "where   ", "since   ")
        equal(first["References"], second["References"], "the thread")
        holds(first["Message-ID"] != second["Message-ID"], "two mails have one id")
        holds(max(len(line) for line in box.taken[0]["raw"].splitlines()) <= 78, "a line that relays would break")


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


def what_is_delivered_again_after_a_crash_counts_once():
    """The cursor was not saved: the receiver hears nothing, and the second row of history says that it is the first."""
    with Web() as slack, alerting("alert_slack", secret_url=slack.url + "/services/x") as daemon:
        daemon.start()
        ask(daemon, "one")
        ask(daemon, "two")
        told(daemon, slack, 2)
        count = "select count(*), count(distinct delivery_id), count(delivery_id) from alert_history where state = 'delivered'"
        daemon.wait(lambda: reported(daemon, count)[0] == [2, 2, 2], "both are written down")
        equal(daemon.stop(), 0, "its exit code")

        def forget(space, key, body):
            if space == "cursor" and key.startswith("host:alert:"):
                body["seq"] = 0
                return True
            return False
        daemon.documents(forget)
        daemon.start()
        daemon.wait(lambda: reported(daemon, count)[0] == [4, 2, 4], "both came again, under their names")
        equal(len(slack.taken), 2, "what has arrived")
        rows = reported(daemon, "select distinct delivery_id from alert_history where state = 'delivered'")
        holds(all(row[0].endswith("/alert") for row in rows), str(rows))
        spans = [f["samples"] for f in json.loads(daemon.cli("--json", "report", check=0).stdout)["measures"] if f["id"] == "delivery"]
        equal(spans, [2], "deliveries that the report counts")


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


EIGHT = {"cache_hit_ratio": 0.5, "connection_utilization": 0.99, "dead_tuple_ratio": 0.9, "lock_wait_time": 500,
         "deadlocks_per_hour": 50, "slow_query_time": 90, "txid_age": 1.9e9, "replication_lag": 900}


def each_of_the_eight_metrics_says_all_that_a_person_needs():
    with Mail() as box, alerting("alert_email", server=box.url, **{"from": "lbops@example.org"}, to=["anna@example.org"]) as daemon:
        daemon.start()
        equal(daemon.run("evaluate_alert_thresholds", project="shop", branch="production", metrics=json.dumps(EIGHT), fire_after=1).exit, 0, "a run")
        mails = [m["mail"] for m in told(daemon, box, 8)]
        equal(len(mails), 8, "alerts")
        bodies = {re.search(r"metric: (\w+)", m.get_content())[1]: (m["Subject"], m.get_content()) for m in mails}
        equal(sorted(bodies), sorted(EIGHT), "metrics")
        for metric, (subject, body) in bodies.items():
            contains(subject, "critical: shop/production: ", "past the limit of")
            contains(body, "where   shop/production", "value: ", "threshold: ", "measure: ", "from    evaluate_alert_thresholds, run ")
            holds(re.search(r"^since   \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", body, re.M), f"{metric} does not say since when")
            holds(re.search(r"^procedure \w+; what came of it: lbops runs --tool execute_low_risk_sop", body, re.M),
                  f"{metric} does not say which procedure there is: {body}")
            holds("\ndone " not in body, f"nothing was done about {metric}: {body}")
            command = re.search(r"^next    lbops run (\w+) .*--project shop --branch production", body, re.M)
            holds(command, f"{metric} does not say what a person can do: {body}")
            equal(daemon.cli("tools", command[1]).returncode, 0, f"there is a tool {command[1]}")


# ---- several services ----


def texts(receiver):
    """What arrived, a line each: the title of a message, incident or mail."""
    said = []
    for note in receiver.taken:
        body = note.get("json", {})
        said.append(note["mail"]["Subject"] if "mail" in note else body["text"] if "text" in body else
                    f"{body['event_action']}: {body.get('payload', {}).get('summary', body['dedup_key'])}")
    return said


def objects(receiver):
    return sorted(int(n) for line in texts(receiver) for n in re.findall(r"object (\d+)", line))


def three(slack, duty, box, routes):
    return routing(routes, team=("alert_slack", {"secret_url": slack.url + "/services/x"}),
                   pager=("alert_pagerduty", {"url": duty.url, "secret_routing_key": "R0UT1NGKEY"}),
                   post=("alert_email", {"server": box.url, "from": "lbops@example.org", "to": ["anna@example.org"]}))


def every_channel_says_all_that_a_person_needs():
    """What, where, since when, how bad, why, what was done, and the command for what comes next; the end has no command."""
    with Web() as slack, Web() as duty, Web() as hook, Mail() as box, routing(
            slack=("alert_slack", {"secret_url": slack.url}), duty=("alert_pagerduty", {"url": duty.url, "secret_routing_key": "KEY"}),
            hook=("alert_webhook", {"url": hook.url, "secret_secret": SECRET}), few=("alert_file", {}),
            box=("alert_email", {"server": box.url, "from": "lbops@example.org", "to": ["anna@example.org"]})) as daemon:
        daemon.start()
        equal(daemon.run("evaluate_alert_thresholds", project="shop", branch="production",
                         metrics=json.dumps({"lock_wait_time": 126.304174}), fire_after=1).exit, 0, "a run")
        daemon.wait(lambda: notes_of(daemon, "few"), "the file has it")
        said = {"slack": told(daemon, slack, 1)[0]["text"], "duty": told(daemon, duty, 1)[0]["text"],
                "hook": told(daemon, hook, 1)[0]["text"], "file": json.dumps(notes_of(daemon, "few")[0]),
                "box": re.sub(r"\s+", " ", told(daemon, box, 1)[0]["mail"].get_content())}
        for name, text in ((name, text.replace("\\/", "/")) for name, text in said.items()):
            for word in ("critical", "lock_wait_time", "shop/production", "since", "threshold", "measure",
                         "lbops runs --tool execute_low_risk_sop", "next",
                         "lbops run diagnose_root_cause --project shop --branch production"):
                holds(word in text, f"{name} does not say '{word}': {text}")
            holds(re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text), f"{name} does not say since when: {text}")
        headline = "shop/production: lock wait time is 126 s, past the limit of 120 s (critical)"
        for name, receiver in (("slack", slack), ("duty", duty), ("box", box)):
            contains(texts(receiver)[0], headline)
        contains(said["box"], "value: 126 ")
        equal(told(daemon, hook, 1)[0]["json"]["data"]["alert"]["payload"]["value"], 126.304174, "programs have all digits")
        breach(daemon, database="bank", detail=json.dumps({"by": {"shop: lbops/x": 61.63559898000001}}))
        for receiver in (slack, duty, box):
            contains(told(daemon, receiver, 2) and texts(receiver)[1], ": shop/production, database bank: ")
        contains(told(daemon, slack, 2)[1]["json"]["attachments"][0]["blocks"][0]["text"]["text"], '"shop: lbops/x": 61.6')
        breach(daemon, database="bank", over=True)
        daemon.wait(lambda: len(notes_of(daemon, "few")) == 3, "an end")
        for end in (notes_of(daemon, "few")[2], told(daemon, hook, 3)[2]["json"]["data"]):
            equal((end["change"], end["where"], "next" in end), ("resolved", "shop/production", False), "an end")


def what_is_too_long_for_a_channel_loses_figures_and_never_the_command():
    figures = {f"figure {i:02}": "x" * 390 for i in range(20)}
    with Web() as slack, Web() as duty, Mail() as box, three(slack, duty, box, route(["pager", "team", "post"])) as daemon:
        daemon.start()
        breach(daemon, detail=json.dumps(figures))
        section = told(daemon, slack, 1)[0]["json"]["attachments"][0]["blocks"][0]["text"]["text"]
        holds(len(section) <= 3000, f"Slack would refuse {len(section)} characters")
        command = "lbops run diagnose_root_cause --project shop --branch production"
        contains(section, f"*next* `{command}`", "*where* shop/production", "*since*", "*figure 00* xxx")
        details = told(daemon, duty, 1)[0]["json"]["payload"]["custom_details"]
        equal((details["next"], details["where"]), (command, "shop/production"), "the incident")
        contains(re.sub(r"\s+", " ", told(daemon, box, 1)[0]["mail"].get_content()), f"next {command}")


def each_hears_what_its_routes_say_and_ends_go_where_beginnings_went():
    routes = "\n".join((route(["pager", "team"], severity="critical"), route(["post"], project="sh*", branch="dev"),
                        route(["post"], otherwise=True)))
    with Web() as slack, Web() as duty, Mail() as box, three(slack, duty, box, routes) as daemon:
        daemon.start()
        breach(daemon, first=1, level="critical")
        breach(daemon, first=2, level="warning")
        breach(daemon, first=4, branch="perf-incident-1a2b-7-00c0ffee", level="critical")  # planted there, so nobody hears of it
        breach(daemon, first=3, branch="dev", level="critical")
        told(daemon, duty, 2)
        told(daemon, slack, 2)
        told(daemon, box, 2)
        breach(daemon, first=2, level="critical")  # worse: the mailbox knows of it, the others do not
        breach(daemon, first=1, over=True)
        breach(daemon, first=2, over=True)
        told(daemon, duty, 5)
        told(daemon, slack, 5)
        told(daemon, box, 4)
        equal(objects(slack), [1, 1, 2, 2, 3], "the channel")
        equal([e["json"]["event_action"] for e in duty.taken], ["trigger"] * 3 + ["resolve"] * 2, "incidents")
        equal(objects(box), [2, 2, 2, 3], "the mailbox")
        contains(texts(box)[2], "critical now: ")
        contains(texts(slack)[2], "critical: ")  # new to it
        equal(sorted(s["name"] for s in daemon.status()["services"] if s["kind"] == "alert"), ["pager", "post", "team"], "names")
        sent = "select channels_sent, count(*) from alert_history where state = 'delivered' group by 1 order by 1"
        daemon.wait(lambda: sum(row[1] for row in reported(daemon, sent)) >= 14, "what a receiver has taken is written down")
        equal([(json.loads(r[0]), r[1]) for r in reported(daemon, sent)], [(["pager"], 5), (["post"], 4), (["team"], 5)],
              "what history says")


def one_that_is_down_holds_nobody_up_and_gets_each_once():
    """The three go away and come back one after the other; daemon and processes are killed meanwhile."""
    with Web() as slack, Web() as duty, Mail() as box, three(slack, duty, box, route(["pager", "team", "post"])) as daemon:
        receivers = {"team": slack, "pager": duty, "post": box}
        daemon.start()
        for number, (name, away) in enumerate(receivers.items()):
            away.down()
            first = number * 4 + 1
            breach(daemon, first=first, count=2)
            for other in receivers.values():
                if other is not away:
                    daemon.wait(lambda other=other, first=first: {first, first + 1} <= set(objects(other)), "the others hear at once")
            daemon.wait(lambda name=name: f"is not delivered yet to {name}" in daemon.log(), "it is missed")
            daemon.kill()
            daemon.start()
            breach(daemon, first=first + 2)
            pid = next(s["pid"] for s in daemon.status()["services"] if s.get("name") == name)
            if pid:
                os.kill(pid, signal.SIGKILL)
            away.up()
            breach(daemon, first=first + 3)
            for each in receivers.values():
                daemon.wait(lambda each=each, first=first: set(range(1, first + 4)) <= set(objects(each)), "all have heard")
        equal(daemon.stop(), 0, "its exit code")
        for name, each in receivers.items():
            equal(objects(each), list(range(1, 13)), f"what {name} has heard")


def what_the_first_channel_cannot_deliver_goes_to_its_second():
    """Once on each channel; from then on that alert's steps are told on both, and no other alert's, whatever is killed meanwhile."""
    with Web() as slack, Mail() as box, routing(
            route(["team"], otherwise=True),
            team=("alert_slack", {"secret_url": slack.url + "/services/x", "retry_most_s": 1, "second": "post", "second_after_s": 1}),
            post=("alert_email", {"server": box.url, "from": "lbops@example.org", "to": ["anna@example.org"]})) as daemon:
        def heard(receiver, count):
            """Of the metrics: a service that is started over may be an alert, too."""
            def lines():
                return [re.sub(r"\s+", " ", line) for line in texts(receiver) if re.search(r"object \d", line)]
            daemon.wait(lambda: len(lines()) >= count, f"{count} notes have arrived")
            return lines()

        daemon.start()
        breach(daemon, first=1)
        heard(slack, 1)
        slack.down()
        breach(daemon, first=2, count=2)
        heard(box, 2)
        breach(daemon, first=1, over=True)  # heard of by the first alone: there it ends
        breach(daemon, first=2, over=True)
        heard(box, 3)
        daemon.kill()
        daemon.start()
        breach(daemon, first=4)
        said = heard(box, 4)
        for line in said[:2] + said[3:]:
            holds(re.search(r"the first channel, team, has failed since \d{4}-\d\d-\d\dT", line), f"it does not say why it came here: {line}")
        contains(said[2], "resolved: ")
        equal(len(heard(slack, 1)), 1, "what the first heard while it was away")
        slack.up()
        heard(slack, 6)
        breach(daemon, first=5)
        breach(daemon, first=4, level="critical")
        contains(heard(box, 5)[4], "critical now: ")
        breach(daemon, first=3, count=3, over=True)
        heard(slack, 11)
        heard(box, 7)
        breach(daemon, first=2)  # a new one under a name that the second channel has known
        heard(slack, 12)
        slack.script = [(404, {}, "no_service")]
        breach(daemon, first=6)
        contains(heard(box, 8)[7], "the first channel, team, has refused this")
        breach(daemon, first=6, over=True)
        heard(slack, 13)
        heard(box, 9)
        slack.down()
        breach(daemon, first=7)  # all that was before it has been looked at
        heard(box, 10)
        equal(objects(box), [2, 2, 3, 3, 4, 4, 4, 6, 6, 7], f"what the second has heard: {texts(box)}")
        equal(objects(slack), [1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6], f"what the first has heard: {texts(slack)}")
        holds("first channel" not in json.dumps(texts(slack)), "the first is told of the second")


def team_with_second(slack, box, after_s):
    """Two services: what goes to the channel goes to the mailbox once the channel has failed for so long."""
    return routing("\n".join((route(["post"], branch="dev"), route(["team"], otherwise=True))),
                   team=("alert_slack", {"secret_url": slack.url + "/services/x", "retry_most_s": 1, "second": "post",
                                         "second_after_s": after_s}),
                   post=("alert_email", {"server": box.url, "from": "lbops@example.org", "to": ["anna@example.org"],
                                         "retry_most_s": 1}))


def failing_since(daemon):
    """What the state of a stopped daemon says of the first channel: since when it has failed, 0 if it does not."""
    since = []
    daemon.documents(lambda space, key, body: since.append(body["since"]) if key.startswith("second/") else False)
    return since


def a_first_channel_that_comes_back_in_time_keeps_its_alerts():
    """The second hears nothing of them, and the time that the first has failed begins anew with its next failure."""
    with Web() as slack, Mail() as box, team_with_second(slack, box, 3600) as daemon:
        daemon.start()
        slack.down()
        breach(daemon, first=1)
        daemon.wait(lambda: "is not delivered yet to team" in daemon.log(), "it is missed")
        equal(daemon.stop(), 0, "its exit code")
        holds(len(failing_since(daemon)) == 1 and failing_since(daemon)[0] > 0, "the failure is not written down")
        daemon.start()
        slack.up()
        daemon.wait(lambda: objects(slack) == [1], "the first delivers it itself")
        breach(daemon, first=2)
        breach(daemon, first=1, over=True)
        breach(daemon, first=3, branch="dev")  # the mailbox works
        daemon.wait(lambda: objects(slack) == [1, 1, 2] and objects(box) == [3], "the rest has arrived")
        equal(daemon.stop(), 0, "its exit code")
        equal(failing_since(daemon), [0], "since when it fails, though it works")
        equal(objects(box), [3], f"what the second has heard: {texts(box)}")


def with_both_channels_down_each_gets_it_once_over_restarts():
    with Web() as slack, Mail() as box, team_with_second(slack, box, 1) as daemon:
        daemon.start()
        slack.down()
        box.down()
        breach(daemon, first=1, count=2)
        for name in ("team", "post"):
            daemon.wait(lambda name=name: f"is not delivered yet to {name}" in daemon.log(), f"{name} is missed")
        daemon.kill()  # handed over, not delivered
        daemon.start()
        breach(daemon, first=3)
        equal((objects(slack), objects(box)), ([], []), "what two that are away have heard")
        box.up()
        daemon.wait(lambda: objects(box) == [1, 2, 3], "the second, which came back first")
        for line in texts(box):
            if re.search(r"object \d", line):  # a service that is started over may be an alert, too
                contains(re.sub(r"\s+", " ", line), "the first channel, team, has failed since ")
        equal(daemon.stop(), 0, "its exit code")  # delivered by one of the two, and passed by its cursor: only the state knows
        daemon.start()
        breach(daemon, first=2, over=True)
        daemon.wait(lambda: objects(box) == [1, 2, 2, 3], "an end, by the second")
        slack.up()
        daemon.wait(lambda: objects(slack) == [1, 2, 2, 3], "the first, late")
        breach(daemon, first=1, over=True)
        breach(daemon, first=3, over=True)
        daemon.wait(lambda: len(objects(slack)) >= 6 and len(objects(box)) >= 6, "the ends")
        equal(daemon.stop(), 0, "its exit code")
        for name, receiver in (("first", slack), ("second", box)):
            equal(objects(receiver), [1, 1, 2, 2, 3, 3], f"what the {name} has heard: {texts(receiver)}")


def an_hour_away_ends_in_a_few_messages_and_a_digest():
    """Vain tries at the longest pause, which is a second here instead of five minutes; then all of it arrives, each once, what began
    before what ended, and most of it in one message."""
    with Web() as slack, routing(team=("alert_slack", {"secret_url": slack.url + "/services/x", "digest_above": 3, "digest_s": 5,
                                                       "retry_most_s": 1})) as daemon:
        slack.down()
        daemon.start()
        breach(daemon, count=12)
        breach(daemon, first=13, level="critical")
        breach(daemon, first=1, over=True)
        breach(daemon, first=12, over=True)
        daemon.wait(lambda: daemon.log().count("is not delivered yet to team") >= 4, "it is tried again and again", 60)
        equal(slack.taken, [], "while it is away")
        slack.up()

        def heard():
            said = texts(slack)
            folded = sum(int(n) for line in said for n in re.findall(r"(\d+) alerts? in one message", line))
            return [line for line in said if "in one message" not in line and not line.startswith("resolved")], folded
        daemon.wait(lambda: len(heard()[0]) + heard()[1] >= 13, "all have arrived, alone or in the digest")
        alone, folded = heard()
        equal((len(alone) + folded, len(alone)), (13, len(set(alone))), f"what arrived: {texts(slack)}")
        holds(any("object 13" in line and "critical" in line for line in alone), "the worst is told alone")
        opened, over = (next(i for i, line in enumerate(texts(slack)) if re.search(word, line))
                        for word in (r"^warning: .*object 1\b", r"^resolved: .*object 1\b"))
        holds(opened < over, "what ended before what began")
        holds(folded > 0, f"a flood: {texts(slack)}")


OBJECT = "lock_wait_time/object 1@shop/production"


def pages(duty):
    return [(n["json"]["event_action"], n["json"]["payload"]["severity"]) for n in list(duty.taken)]


def team(slack, duty, **limits):
    return routing(slack=("alert_slack", {"secret_url": slack.url + "/services/T0", **limits}),
                   duty=("alert_pagerduty", {"url": duty.url + "/v2/enqueue", "secret_routing_key": "R0UT1NG", **limits}))


def standing(daemon, key):
    """What the daemon knows of an open alert."""
    return next(a for a in daemon.ask("alerts").items() if a["id"] == key)


def remind(daemon, key, **args):
    """It is seen again and again, until people are reminded of it: once."""
    def again():
        before = standing(daemon, key)["count"]
        breach(daemon, **args)
        daemon.wait(lambda: standing(daemon, key)["count"] > before, "it is counted")
        return standing(daemon, key)["change"] == "reminded"
    daemon.wait(again, f"a reminder of {key}")


def steps(daemon, key):
    """What history has of an alert, in order."""
    return [row[0] for row in reported(daemon, f"SELECT a.state FROM alert_history a WHERE a.alert_id = '{key}'"
                                               " AND a.state NOT LIKE 'deliver%' ORDER BY a.at")]


def who_has_heard_is_reminded_in_its_time():
    with Web() as slack, Web() as duty, team(slack, duty) as daemon:
        daemon.start()
        for _ in range(3):
            breach(daemon)
        told(daemon, slack, 1)
        remind(daemon, OBJECT, remind_s=1)
        told(daemon, duty, 2)
        open_since = standing(daemon, OBJECT)["fired_at"]
        contains(told(daemon, slack, 2)[1]["json"]["text"], f"warning still: shop/production: reminder 1, open since {open_since[:10]} {open_since[11:19]} UTC, reported ",
                 " times: lock_wait_time is past its limit on object 1")
        remind(daemon, OBJECT, remind_s=1)
        contains(told(daemon, slack, 3)[2]["json"]["text"], "warning still: shop/production: reminder 2, open since ")
        daemon.wait(lambda: steps(daemon, OBJECT)[-2:] == ["renotified"] * 2, "it is in history")
        told(daemon, duty, 3)
        daemon.kill()
        daemon.start()
        breach(daemon)
        breach(daemon, remind_s=0)
        breach(daemon, level="critical")
        breach(daemon, over=True)
        told(daemon, slack, 5)
        told(daemon, duty, 5)
        contains(texts(slack)[3], "critical now: ")
        equal((pages(duty)[:4], pages(duty)[4][0]), ([("trigger", "warning")] * 3 + [("trigger", "critical")], "resolve"),
              "what is not due, or never to be said again, is not")
        equal(steps(daemon, OBJECT), ["fired", "renotified", "renotified", "escalated", "resolved"], "in history")


def what_nobody_says_again_is_said_again_by_the_daemon():
    """A tool that is suspended: its event comes once, and it stays suspended. A breach is its tool's to say again."""
    with Web() as slack, routing("[alerts]\nremind_warning_s = 1", slack=("alert_slack", {"secret_url": slack.url + "/services/T0"})) as daemon:
        key, why = "suspended/segfaults", ("--as", "ada", "--because", "it is mended tomorrow")

        def said(what):
            return [t for t in texts(slack) if what in t]
        daemon.start()
        breach(daemon, remind_s=0)
        for _ in range(3):
            equal(daemon.run("segfaults").exit, 1, "a crash")
        daemon.wait(lambda: len(said("segfaults")) >= 3, "it is told, and told again")
        contains(said("segfaults")[0], "warning: segfaults crashes and is suspended")
        contains(said("segfaults")[2], "warning still: reminder 2, open since ", " UTC: segfaults crashes and is suspended")
        daemon.kill()
        daemon.start()
        before = len(said("segfaults"))
        daemon.wait(lambda: len(said("segfaults")) > before, "the next daemon goes on with it")
        equal(standing(daemon, key)["count"], 1, "how often it was seen")
        daemon.cli("ack", key, *why, "--until", "3s", check=0)
        daemon.wait(lambda: said("acknowledged by ada"), "somebody has taken it on")
        taken_on = texts(slack).index(said("acknowledged by ada")[0])
        daemon.wait(lambda: texts(slack)[taken_on + 1:], "their time is over")
        daemon.cli("tools", "segfaults", "--resume", check=0)
        daemon.wait(lambda: said("segfaults may run again"), "it is over")
        daemon.wait(lambda: steps(daemon, key)[-1:] == ["resolved"], "it is in history")
        over = steps(daemon, key)
        equal((over[0], over[-1], set(over[1:-1])), ("fired", "resolved", {"renotified", "acknowledged"}), "in history")
        breach(daemon, over=True)
        daemon.wait(lambda: said("lock_wait_time is back"), "a later alert")
        equal(("resolved" in said("segfaults")[-1], len(said("lock_wait_time"))), (True, 2), "nothing is said of what is over, or never to be said again")


def a_service_that_is_back_in_a_moment_is_no_critical_alert():
    history = '[services.delta]\nplugin = "delta_local"\n'
    with Web() as slack, routing(history, slack=("alert_slack", {"secret_url": slack.url + "/services/T0"})) as daemon:
        def kill():
            pid = next(s["pid"] for s in daemon.status()["services"] if s["kind"] == "delta")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL) if pid > 0 else None

        def dies_each_time():
            kill()
            return any(t.startswith("critical") and "the delta service is down" in t for t in texts(slack))
        daemon.start()
        kill()
        told(daemon, slack, 2)
        contains(texts(slack)[0], "warning: the delta service is down")
        contains(texts(slack)[1], "resolved: the delta service works again")
        daemon.wait(dies_each_time, "one that dies each time")


def nobody_is_reminded_in_a_flood():
    with Web() as slack, Web() as duty, team(slack, duty, digest_above=2, digest_s=3600) as daemon:
        daemon.start()
        breach(daemon, count=3)
        told(daemon, slack, 2)
        remind(daemon, OBJECT, remind_s=0.01)
        breach(daemon, treated="somebody has looked")
        breach(daemon, over=True)
        contains(json.dumps(told(daemon, slack, 3)[2]["json"]), "somebody has looked (breaches, run ")
        equal([t.split(":")[0] for t in texts(slack)], ["warning", "warning", "resolved"], "two, a flood, and an end")


def what_somebody_has_taken_on_is_left_to_them():
    with Web() as slack, Web() as duty, team(slack, duty) as daemon:
        daemon.start()
        breach(daemon, count=2)
        told(daemon, duty, 2)
        key = OBJECT
        why = ("--as", "ada", "--because", "I look at it")
        for words, code in ((("nothing", *why), 1), (("lock_wait", *why), 2), ((key, "--as", "ada"), 2), ((key, *why, "--until", "x"), 2)):
            equal(daemon.cli("ack", *words).returncode, code, f"{words} is not taken")
        contains(daemon.cli("ack", "nothing", *why).stderr, "there is no open alert nothing", "lbops alerts lists them with their keys")
        contains(daemon.cli("ack", "lock_wait", *why).stderr, "more than one open alert")
        contains(daemon.cli("ack", key[:24], *why, check=0).stdout, f"{key} is acknowledged by ada")
        acknowledged = told(daemon, duty, 3)[2]["json"]
        equal((acknowledged["event_action"], acknowledged["dedup_key"]), ("acknowledge", key), "in PagerDuty")
        contains(told(daemon, slack, 3)[2]["json"]["text"], "acknowledged by ada (I look at it): lock_wait_time is past its limit")
        daemon.wait(lambda: steps(daemon, key)[-1] == "acknowledged", "it is in history")
        daemon.cli("ack", key, *why, check=0)  # the same again is told to nobody
        daemon.kill()
        daemon.start()
        listed = daemon.cli("alerts", check=0).stdout
        contains(listed, f"    {key}", "    acknowledged by ada at ", ": I look at it")
        for _ in range(3):
            breach(daemon, remind_s=0.01)
        breach(daemon, level="critical")
        equal(told(daemon, duty, 4)[3]["json"]["payload"]["severity"], "critical", "nobody was reminded, and it got worse")
        remind(daemon, key, level="critical", remind_s=0.01)
        equal(told(daemon, duty, 5)[4]["json"]["event_action"], "trigger", "nobody has taken on that it is critical")
        daemon.cli("ack", key, *why, "--until", "2s", check=0)
        equal(told(daemon, duty, 6)[5]["json"]["event_action"], "acknowledge", "for two seconds")
        contains(daemon.cli("alerts", check=0).stdout, " until ")
        remind(daemon, key, level="critical", remind_s=0.01)
        told(daemon, duty, 7)
        breach(daemon, over=True)
        equal(told(daemon, duty, 8)[7]["json"]["event_action"], "resolve", "it ends all the same")
        equal(steps(daemon, key), ["fired", "acknowledged", "escalated", "renotified", "acknowledged", "renotified", "resolved"], "in history")
        over = daemon.cli("ack", key, *why)
        equal((over.returncode, f"there is no open alert {key}" in over.stderr), (1, True), "of what is over")


def what_was_done_is_told_to_those_who_know_and_with_all_that_follows():
    done = "vacuum of public.orders: done; dead tuple share went from 31 % to 2 %, back inside its limit"
    with Web() as slack, Web() as duty, team(slack, duty) as daemon:
        daemon.start()
        breach(daemon, treated="nobody knows of that alert")
        breach(daemon, database="bank")
        told(daemon, duty, 1)
        breach(daemon, treated="it is another one's", database="shop")
        breach(daemon, treated=done, database="bank")
        title = f"warning: shop/production, database bank: {done} (told before: lock_wait_time is past its limit on object 1)"
        page = told(daemon, duty, 2)[1]["json"]
        equal((page["event_action"], page["payload"]["summary"]), ("trigger", title), "in PagerDuty")
        equal(page["dedup_key"], duty.taken[0]["json"]["dedup_key"], "of the same incident")
        details = page["payload"]["custom_details"]
        holds(re.fullmatch(re.escape(done) + r" \(breaches, run \w{26}\)", details["done"]) and "procedure" not in details, f"{details}")
        equal(told(daemon, slack, 2)[1]["json"]["text"], title, "in Slack")
        run = re.search(r"run (\w{26})", details["done"])[1]
        contains(daemon.cli("runs", run, check=0).stdout, "breaches")
        contains(daemon.cli("alerts", check=0).stdout, "    treated by breaches at 20", f": {done}")
        breach(daemon, treated=done, database="bank")  # told once
        breach(daemon, treated="held back: it was just done", status="skipped", database="bank")  # and takes the place of nothing
        daemon.kill()
        daemon.start()
        remind(daemon, key := page["dedup_key"], database="bank", remind_s=0.01)
        equal(told(daemon, duty, 3)[2]["json"]["payload"]["custom_details"]["done"], details["done"], "with a reminder")
        breach(daemon, database="bank", level="critical")
        equal(told(daemon, duty, 4)[3]["json"]["payload"]["custom_details"]["done"], details["done"], "when it gets worse")
        breach(daemon, treated="a person has looked", database="bank")
        told(daemon, duty, 5)
        breach(daemon, database="bank", over=True)
        end = told(daemon, duty, 6)[5]["json"]
        equal(end["event_action"], "resolve", "it ends")
        contains(json.dumps(told(daemon, slack, 6)[5]["json"]), "resolved: ", "a person has looked (breaches, run ")
        daemon.wait(lambda: steps(daemon, key)[-1:] == ["resolved"], "history has its end")
        equal(reported(daemon, f"SELECT a.severity FROM alert_history a WHERE a.alert_id = '{key}' AND a.state = 'resolved'"), [["critical"]],
              "the end is as bad as it was")
        equal(steps(daemon, key), ["fired", "treated", "renotified", "escalated", "treated", "resolved"], "in history")
        breach(daemon, database="bank")
        anew = told(daemon, duty, 7)[6]["json"]
        holds("done" not in anew["payload"]["custom_details"], "of another time nothing was done yet")
        equal([page["payload"]["summary"] for page in (n["json"] for n in duty.taken) if "nobody knows" in json.dumps(page) or "another one" in json.dumps(page)],
              [], "what belongs to no open alert")


def two_of_one_kind_keep_apart():
    with routing(a=("alert_file", {}), b=("alert_file", {"digest_above": 0}), c=("alert_mock", {})) as daemon:
        daemon.start()
        breach(daemon, count=3)
        for name in "ab":
            path = daemon.state / "alerts" / name / "alerts.ndjson"
            daemon.wait(lambda path=path: path.exists() and len(path.read_text().splitlines()) == 3, f"{name} has its own")
        count = daemon.state / "alerts" / "c" / "alert_mock.json"
        daemon.wait(lambda: count.exists() and '"delivered":3' in count.read_text(), "the mock counts")


def a_table_of_that_name_in_another_database_is_another_matter():
    """Of two databases of a branch that are both bad, and its server: the one's end is no end of the others."""
    with Web() as hook, alerting("alert_webhook", url=hook.url + "/in", secret_secret=SECRET) as daemon:
        daemon.start()
        steps_of = [{"database": "stock"}, {"database": "books"}, {}, {"database": "books", "over": True}]
        for count, step in enumerate(steps_of, 1):
            breach(daemon, **step)
            told(daemon, hook, count)
        keys = [f"lock_wait_time/{name}object 1@shop/production" for name in ("stock/", "books/", "", "books/")]
        notes = [n["json"]["data"] for n in told(daemon, hook, 4)]
        equal([(n["change"], n["key"]) for n in notes], list(zip(["opened"] * 3 + ["resolved"], keys)), "what was told")
        equal({a["id"] for a in daemon.ask("alerts").items()}, {keys[0], keys[2]}, "what is open")


def alerts_of_a_deleted_branch_end_once_and_with_it():
    """Whoever reports it, wherever its run was; those of other branches go on, and the deletion told again ends nothing more."""
    with Web() as hook, alerting("alert_webhook", url=hook.url + "/in", secret_secret=SECRET) as daemon:
        daemon.start()
        breach(daemon, branch="dev", count=3)
        breach(daemon)
        told(daemon, hook, 4)
        breach(daemon, deleted="dev")
        told(daemon, hook, 7)
        breach(daemon, deleted="dev")
        breach(daemon, branch="dev", first=9, over=True)
        breach(daemon, first=1, over=True)
        notes = [n["json"]["data"] for n in told(daemon, hook, 8)]
        ends = [n for n in notes if n["change"] == "resolved"]
        equal(sorted(n["key"] for n in ends[:3]), [f"lock_wait_time/object {i}@shop/dev" for i in (1, 2, 3)], "what ended")
        for note in ends[:3]:
            contains(note["text"], "over, as shop/dev is not there any more: ")
        equal((len(ends), ends[3]["key"]), (4, "lock_wait_time/object 1@shop/production"), "the other branch's own end")
        breach(daemon, branch="dev", first=1)
        equal(told(daemon, hook, 9)[8]["json"]["data"]["change"], "opened", "a new branch of that name has new alerts")
        rows = reported(daemon, "select title, state from alert_history where rule = 'target.gone' and state = 'resolved'")
        equal(len(rows), 3, str(rows))


def what_waits_on_a_deleted_branch_waits_no_more():
    """Not on others, nor what was asked for on a new one of that name; also where no alert is told of the branch."""
    def waits(daemon):
        return sorted((a["target"]["branch"], a["status"]) for a in daemon.approvals() if a["status"] == "pending")

    branches = ["dev", "perf-incident-a-1", "production"]
    with Daemon("".join(f'[[targets]]\nproject = "shop"\nbranch = "{b}"\nclass = "production"\n' for b in branches), plugins=PLACES) as daemon:
        daemon.start()

        def request(branch):
            equal(daemon.run("proposes", project="shop", branch=branch, drops='["old_idx"]').exit, 3, f"{branch} asks")

        for branch in branches:
            request(branch)
        equal([b for b, _ in waits(daemon)], branches, "what waits")
        for branch in ("dev", "perf-incident-a-1"):
            equal(daemon.run("breaches", project="shop", branch=branch, deleted=branch).exit, 0, "it goes")
        daemon.wait(lambda: [b for b, _ in waits(daemon)] == ["production"], "only what is there waits")
        request("dev")
        breach(daemon)  # whose alert comes after that
        daemon.wait(lambda: daemon.ask("alerts").items(), "the log has been read on")
        equal([b for b, _ in waits(daemon)], ["dev", "production"], "of the new branch")
        rows = reported(daemon, "select branch_id, decision_reason from approval_history where status = 'expired' order by 1")
        equal([tuple(r.values()) if isinstance(r, dict) else tuple(r) for r in rows],
              [(b, "its branch is not there any more") for b in ("dev", "perf-incident-a-1")], "in history")


def what_began_before_hearers_were_written_down_ends_where_the_routes_lead():
    routes = "\n".join((route(["a"], severity="critical"), route(["b"], otherwise=True)))
    with routing(routes, a=("alert_file", {}), b=("alert_file", {})) as daemon:
        daemon.start()
        breach(daemon, count=2, level="critical")
        breach(daemon, first=3)
        daemon.wait(lambda: (len(notes_of(daemon, "a")), len(notes_of(daemon, "b"))) == (2, 1), "the beginnings")
        equal(daemon.stop(), 0, "its exit code")
        daemon.documents(lambda space, key, body: space == "alert" and body.pop("told"))
        daemon.start()
        breach(daemon, first=2, level="critical")  # no news
        breach(daemon, count=3, over=True)
        daemon.wait(lambda: (len(notes_of(daemon, "a")), len(notes_of(daemon, "b"))) == (4, 2), "the ends")


def what_was_told_before_anybody_listened_is_told_by_the_first_who_does():
    """By single runs, of a state that has seen no daemon, cycle or job; and once."""
    with routing(a=("alert_file", {})) as daemon:
        daemon.cli("run", "breaches", "--project", "shop", "--branch", "production", "--count", "2", check=0)
        daemon.start()
        daemon.wait(lambda: len(notes_of(daemon, "a")) == 2, "both are told")
        daemon.kill()
        daemon.start()
        breach(daemon, first=3)
        daemon.wait(lambda: len(notes_of(daemon, "a")) > 2, "a third one")
        equal(len(notes_of(daemon, "a")), 3, "each once")


def listed(daemon, *more):
    """The alerts by their keys, as a program gets them."""
    return {a["id"]: a for a in json.loads(daemon.cli("--json", "alerts", *more, check=0).stdout)}


def what_nobody_has_been_told_of_is_shown():
    """Of single runs: whoever tells it comes later, if ever."""
    place, why = ("--project", "shop", "--branch", "production"), ("--as", "ada", "--because", "I look at it")
    with routing(a=("alert_file", {})) as daemon:
        def single(*words):
            daemon.cli("run", "breaches", *place, *words, check=0)

        contains(daemon.cli("alerts", check=0).stderr, "nothing is wrong that anybody knows of")
        single("--count", "2")
        single()
        shown = daemon.cli("alerts", check=0)
        contains(shown.stdout, "warning   not told yet", "shop/production: lock_wait_time is past its limit on object 1", f"    {OBJECT}")
        contains(shown.stderr, "nobody has been told of yet", "lbops serve")
        equal("nothing is wrong" in shown.stderr, False, "something is")
        equal({k: (a["status"], a["count"], a["detail"]["kind"]) for k, a in listed(daemon).items()},
              {OBJECT: ("not_told", 2, "threshold.breached"), OBJECT.replace("1", "2"): ("not_told", 1, "threshold.breached")}, "both")
        single("--first", "2", "--over")
        equal(list(listed(daemon)), [OBJECT], "one is over")
        contains(daemon.cli("ack", "nothing", *why).stderr, "there is no open alert nothing")
        contains(daemon.cli("ack", OBJECT[:24], *why, check=0).stdout, f"{OBJECT} is acknowledged by ada")
        contains(daemon.cli("alerts", check=0).stdout, "warning   acknowledged", "    acknowledged by ada at ", ": I look at it")
        equal(listed(daemon)[OBJECT]["acknowledged"]["by"], "ada", "who")
        single("--level", "critical")
        equal([("acknowledged" in a, a["severity"]) for a in listed(daemon).values()], [(False, "critical")], "nobody has taken on that")
        daemon.start()
        daemon.wait(lambda: listed(daemon)[OBJECT]["status"] == "open", "it is told")
        equal("nobody has been told" in daemon.cli("alerts", check=0).stderr, False, "all is told")


def what_has_come_of_an_alert_since_it_was_told_is_shown():
    place, why = ("--project", "shop", "--branch", "production"), ("--as", "ada", "--because", "I look at it")
    with routing(a=("alert_file", {})) as daemon:
        daemon.start()
        breach(daemon)
        daemon.wait(lambda: OBJECT in listed(daemon), "it is told")
        daemon.stop()
        daemon.process = None
        daemon.cli("ack", OBJECT, *why, "--until", "1h", check=0)
        contains(daemon.cli("alerts", check=0).stdout, "warning   acknowledged", "acknowledged by ada at ", " until ")
        daemon.cli("ack", OBJECT, *why, "--until", "1s", check=0)
        daemon.wait(lambda: "warning   open" in daemon.cli("alerts", check=0).stdout, "that moment is over")
        daemon.cli("run", "breaches", *place, "--level", "critical", check=0)
        equal([(a["severity"], a["count"], "acknowledged" in a) for a in listed(daemon).values()], [("critical", 2, False)], "worse")
        daemon.cli("run", "breaches", *place, "--over", check=0)
        over = daemon.cli("alerts", check=0)
        contains(over.stdout, "warning   over", "    over, which nobody has been told of yet: lock_wait_time is back inside its limit")
        contains(over.stderr, "lbops serve")
        daemon.cli("run", "breaches", *place, "--first", "3", check=0)
        daemon.cli("run", "breaches", *place, "--first", "3", "--deleted", "production", check=0)
        equal(list(listed(daemon)), [OBJECT], "a branch that is gone has none of its own")
        daemon.start()
        daemon.wait(lambda: not listed(daemon), "that is told, too")
        equal(listed(daemon, "--all")[OBJECT]["status"], "resolved", "it was")


def notes_of(daemon, name):
    path = daemon.state / "alerts" / name / "alerts.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def digests(daemon):
    return [note for note in notes_of(daemon, "few") if note["key"].startswith("digest/few/")]


def a_flood_is_one_digest_and_ends_and_the_worst_get_through():
    services = {"few": ("alert_file", {"digest_above": 3, "digest_s": 3600}), "all": ("alert_file", {"digest_above": 0})}
    with routing(**services) as daemon:
        daemon.start()
        breach(daemon, count=10)
        daemon.wait(lambda: len(notes_of(daemon, "all")) == 10, "without a limit all go out")
        breach(daemon, first=11, level="critical")
        breach(daemon, first=1, over=True)   # was told: its end gets through
        breach(daemon, first=10, over=True)  # was not: it goes with its beginning
        daemon.wait(lambda: len(notes_of(daemon, "few")) == 5, "three, the worst, and an end")
        equal([n["change"] for n in notes_of(daemon, "few")], ["opened"] * 4 + ["resolved"], "what got through")
        daemon.kill()  # what waits for the digest is in the log
        daemon.manifest.write_text(daemon.manifest.read_text().replace("digest_s = 3600", "digest_s = 2"))
        daemon.start()
        daemon.wait(lambda: digests(daemon), "the digest")
        digest = digests(daemon)[0]
        contains(digest["text"], "alerts in one message, 0 critical")
        contains(json.dumps(digest["alert"]), "warning: lock_wait_time on shop/production", "over again")
        opened = [n["key"] for n in notes_of(daemon, "few") if n["change"] == "opened" and n not in digests(daemon)]
        equal(len(opened), len(set(opened)), "what was told twice")
        equal(len(opened) + int(digest["text"].split()[0]), 11, "each is told once, alone or in the digest")
        daemon.kill()
        daemon.start()
        breach(daemon, first=12, level="critical")
        daemon.wait(lambda: any("12" in n["text"] for n in notes_of(daemon, "few")), "what comes after it")
        equal(len(digests(daemon)), 1, "digests")


def the_end_of_what_was_told_is_never_folded():
    limit = {"digest_above": 2, "digest_s": 3600}
    with routing(few=("alert_file", limit), calm=("alert_file", {**limit, "digest_critical": True})) as daemon:
        daemon.start()
        breach(daemon, count=3)                    # 3 waits for the digest
        breach(daemon, first=3, level="critical")  # goes out alone, or waits with its beginning
        breach(daemon, first=1, level="critical")  # the same, but that there is 1 is known
        breach(daemon, first=4)
        breach(daemon, first=4, over=True)  # nobody knows of it
        breach(daemon, first=1, over=True)
        breach(daemon, first=3, over=True)
        breach(daemon, first=2, over=True)
        for name, wanted in (("few", "opened 1, opened 2, escalated 3, escalated 1, resolved 1, resolved 3, resolved 2"),
                             ("calm", "opened 1, opened 2, resolved 1, resolved 2")):
            daemon.wait(lambda name=name: any(n["change"] == "resolved" and "object 2" in n["text"] for n in notes_of(daemon, name)),
                        "the last end")
            equal(", ".join(n["change"] + re.search(r"object( \d+)", n["text"])[1] for n in notes_of(daemon, name)), wanted, name)



def a_full_digest_does_not_wait_for_room():
    with routing(few=("alert_file", {"digest_above": 1, "digest_s": 3600})) as daemon:
        daemon.start()
        breach(daemon, count=1001)
        daemon.wait(lambda: len(notes_of(daemon, "few")) == 2, "the first, and all that waits")
        contains(digests(daemon)[0]["text"], "1000 alerts in one message")
        breach(daemon, first=1002, level="critical")
        daemon.wait(lambda: len(notes_of(daemon, "few")) == 3, "the worst gets through")


def a_digest_follows_what_is_in_hand():
    with Web() as slack, routing(few=("alert_slack", {"secret_url": slack.url, "digest_above": 1, "digest_s": 1})) as daemon:
        slack.script = [200, (429, {"Retry-After": "3"}, "ratelimited")]
        daemon.start()
        breach(daemon, count=2)
        breach(daemon, first=3, level="critical")
        said = [note["json"]["text"] for note in told(daemon, slack, 3)]
        equal(sum("in one message" in text for text in said), 1, f"digests in {said}")


def a_process_that_was_asked_to_end_holds_nothing_up():
    with Web() as hook, alerting("alert_webhook", url=hook.url, secret_secret=SECRET) as daemon:
        daemon.start()
        ask(daemon, "one")
        told(daemon, hook, 1)
        os.kill(next(s["pid"] for s in daemon.status()["services"] if s["kind"] == "alert"), signal.SIGTERM)
        ask(daemon, "two")
        told(daemon, hook, 2)


@contextlib.contextmanager
def refused_hook():
    """A daemon whose webhook has a secret that is too short, an open alert that says so, and where the secret stands."""
    with Web() as web, routing(hook=("alert_webhook", {"url": web.url + "/in", "secret_secret": "short"}),
                               log=("alert_file", {})) as daemon:
        daemon.start()
        daemon.wait(lambda: open_services(daemon), "an alert for the service that is down")
        yield daemon, daemon.place / "services_alert_hooksecret_secret"


def open_services(daemon):
    return [a["id"] for a in daemon.ask("alerts").items() if a["id"].startswith("service/")]


def ends_of_services(daemon):
    return [e["kind"] for e in daemon.events() if e["kind"] in ("service.up", "service.gone")]


def a_service_that_was_mended_is_up_after_a_reload():
    with refused_hook() as (daemon, secret):
        daemon.reload()
        daemon.wait(lambda: sum(e["kind"] == "service.down" for e in daemon.events()) > 1, "it fails again")
        equal((open_services(daemon), ends_of_services(daemon)), (["service/alert.hook"], []), "what is refused still")
        secret.write_text(SECRET)
        daemon.reload()
        daemon.wait(lambda: not open_services(daemon), "the alert is over")
        equal(ends_of_services(daemon), ["service.up"], "its end")


def a_service_that_was_mended_is_up_after_a_restart():
    with refused_hook() as (daemon, secret):
        daemon.stop()
        secret.write_text(SECRET)
        daemon.start()
        daemon.wait(lambda: not open_services(daemon), "the alert is over")
        up = [e["payload"] for e in daemon.events() if e["kind"] == "service.up"]
        equal([u["service"] for u in up], ["alert.hook"], "its end")
        holds(up[0]["outage_seconds"] > 0, str(up))


def a_service_that_is_not_in_the_manifest_any_more_has_no_alert():
    with refused_hook() as (daemon, _):
        daemon.write('[services.alert.log]\nplugin = "alert_file"\n')
        daemon.reload()
        daemon.wait(lambda: not open_services(daemon), "the alert is over")
        equal(ends_of_services(daemon), ["service.gone"], "its end")
        path = daemon.state / "alerts" / "log" / "alerts.ndjson"
        daemon.wait(lambda: path.exists() and "the manifest names no alert.hook service any more" in path.read_text(), "people hear of it")


suite(a_check_says_which_services_would_not_open, a_service_that_was_mended_is_up_after_a_reload,
      a_service_that_was_mended_is_up_after_a_restart,
      a_service_that_is_not_in_the_manifest_any_more_has_no_alert,
      every_channel_says_all_that_a_person_needs, what_is_too_long_for_a_channel_loses_figures_and_never_the_command, what_began_before_hearers_were_written_down_ends_where_the_routes_lead,
      what_was_told_before_anybody_listened_is_told_by_the_first_who_does, what_nobody_has_been_told_of_is_shown,
      what_has_come_of_an_alert_since_it_was_told_is_shown, each_of_the_eight_metrics_says_all_that_a_person_needs, each_hears_what_its_routes_say_and_ends_go_where_beginnings_went,
      one_that_is_down_holds_nobody_up_and_gets_each_once, what_the_first_channel_cannot_deliver_goes_to_its_second,
      a_first_channel_that_comes_back_in_time_keeps_its_alerts, with_both_channels_down_each_gets_it_once_over_restarts,
      an_hour_away_ends_in_a_few_messages_and_a_digest, two_of_one_kind_keep_apart, a_table_of_that_name_in_another_database_is_another_matter,
      alerts_of_a_deleted_branch_end_once_and_with_it,
      what_waits_on_a_deleted_branch_waits_no_more, who_has_heard_is_reminded_in_its_time, what_nobody_says_again_is_said_again_by_the_daemon,
      a_service_that_is_back_in_a_moment_is_no_critical_alert, nobody_is_reminded_in_a_flood,
      what_somebody_has_taken_on_is_left_to_them, what_was_done_is_told_to_those_who_know_and_with_all_that_follows, a_flood_is_one_digest_and_ends_and_the_worst_get_through, the_end_of_what_was_told_is_never_folded,
      a_full_digest_does_not_wait_for_room, a_digest_follows_what_is_in_hand, a_process_that_was_asked_to_end_holds_nothing_up,
      a_slack_message_says_what_and_what_to_do, an_incident_is_triggered_and_resolved_under_one_key, incidents_whose_keys_are_long_stay_apart,
      a_webhook_is_signed_and_says_when_it_repeats, a_mail_can_be_read_and_threads, 
      what_is_refused_for_good_is_written_down_and_the_next_goes_out, a_limit_is_respected,
      what_is_delivered_again_after_a_crash_counts_once,
      settings_that_cannot_work_are_refused_with_a_hint, at_once=5)
