"""Schedules and subscriptions of a real daemon: what was missed, held, failed, followed, and a clock that jumps."""

import collections
import datetime
import json
import os
import shutil
import sqlite3

from daemon import Daemon, contains, equal, holds, skip, suite

OWN = os.environ["LBOPS_DAEMON_PLUGINS"]
UTC = datetime.timezone.utc
HOUR = 3600


def now():
    return datetime.datetime.now(UTC)


NEXT = now().replace(second=0, microsecond=0) + datetime.timedelta(minutes=30)


def hourly():
    """A cron line that is half an hour away, whenever the test runs."""
    return f"{NEXT.minute} * * * *"


def scheduled(tool="rests", cron=None, more=""):
    return f'[schedule]\nspread_s = 0\n{more}\n[agents.a.tool.{tool}]\nschedule = "{cron or hourly()}"\n'


def entries(daemon):
    return daemon.status(entries=True)["entries"]


def due_runs(daemon):
    return [r for r in daemon.runs() if r["actor_kind"] == "schedule"]


def last_slot(hours):
    """The slot so many of the schedule's hours before its next."""
    return int((NEXT - datetime.timedelta(hours=hours)).timestamp()) * 1_000_000


def was_down_since(daemon, hours):
    """As if the daemon had served that slot and been away since."""
    daemon.start()
    key = entries(daemon)[0]["key"]
    equal(daemon.stop(), 0, "its exit code")
    slot = last_slot(hours)
    store = sqlite3.connect(daemon.state / "state.db")
    with store:
        store.execute("UPDATE store SET counter = counter + 1")
        store.execute("INSERT OR REPLACE INTO document (space, key, version, owner, at, body) "
                      "SELECT 'schedule', ?, counter, '/', ?, ? FROM store",
                      (key, slot, json.dumps({"slot": slot, "started_at": slot})))
    store.close()
    daemon.start()
    return key


# ---- missed ----

def what_was_missed_while_the_daemon_was_down_is_caught_up_once():
    with Daemon(scheduled()) as daemon:
        key = was_down_since(daemon, 4)
        daemon.wait(lambda: [r["status"] for r in due_runs(daemon)] == ["ok"], "it is caught up")
        origin = due_runs(daemon)[0]["origin"]
        slot = int(datetime.datetime.fromisoformat(origin["slot"]).timestamp()) * 1_000_000
        equal((origin["schedule"], slot, origin["missed"]), (key, last_slot(1), 2), "entry, slot and slots left out")
        daemon.wait(lambda: entries(daemon)[0]["last_outcome"] == "ok", "its outcome")
        entry = entries(daemon)[0]
        equal((entry["state"], entry["starts"], entry["missed"]), ("in_time", 1, 2), "the entry")
        contains(daemon.cli("status", "--entries").stdout, entry["key"], "  in time  ", entry["next_at"][:10] + " " + entry["next_at"][11:19] + "  ")
        daemon.kill()
        daemon.start()
        equal(daemon.run("noop").exit, 0, "a run, by which time anything due would have begun")
        equal((len(due_runs(daemon)), entries(daemon)[0]["starts"]), (1, 0), "runs after one more start")


def where_catching_up_is_off_it_is_left_out():
    with Daemon(scheduled(more='catch_up = "never"')) as daemon:
        was_down_since(daemon, 4)
        daemon.wait(lambda: entries(daemon), "the schedule is there")
        equal(daemon.run("noop").exit, 0, "a run, by which time anything due would have begun")
        equal((due_runs(daemon), entries(daemon)[0]["state"]), ([], "in_time"), "runs and state")


# ---- held ----

def a_pause_holds_starts_and_says_so():
    opened = now() - datetime.timedelta(minutes=2)
    pause = (f'[[windows]]\nname = "freeze"\nkind = "pause"\nopens = "{opened.minute} {opened.hour} * * *"\n'
             "lasts_min = 60\n")
    with Daemon(scheduled() + pause) as daemon:
        was_down_since(daemon, 2)
        daemon.wait(lambda: entries(daemon)[0]["state"] == "paused", "its state says so")
        contains(daemon.cli("status", "--entries", check=0).stdout, "paused", "rests")
        equal(daemon.run("noop").exit, 0, "a run that a person asks for meanwhile")
        equal(due_runs(daemon), [], "scheduled runs during the pause")
        daemon.write(scheduled())
        daemon.reload()
        daemon.wait(lambda: [r["status"] for r in due_runs(daemon)] == ["ok"], "it starts once nothing holds it")


def what_keeps_failing_backs_off_and_says_why():
    failing = scheduled("steps") + 'params = { end = "fail" }\n'
    with Daemon(failing) as daemon:
        was_down_since(daemon, 2)
        daemon.wait(lambda: entries(daemon)[0]["failures"] == 1, "it has failed")
        entry = entries(daemon)[0]
        equal(entry["last_outcome"], "failed", "its outcome")
        contains(entry["why"], "failed as it was asked to")
        contains(daemon.cli("status", "--entries", check=0).stdout, "failed: failed as it was asked to")
        holds(datetime.datetime.fromisoformat(entry["next_at"]) > now(), f"it is tried again at once: {entry}")


def a_target_that_sleeps_is_passed_over_and_the_other_has_its_run():
    targets = "".join(f'[[targets]]\nproject = "shop"\nbranch = "{b}"\nclass = "shared"\n' for b in ("production", "archive"))
    with Daemon(targets + scheduled("example_tables", more='catch_up = "once"')) as daemon:
        daemon.start()
        keys = [e["key"] for e in entries(daemon)]
        equal(len(keys), 2, "entries")
        equal(daemon.stop(), 0, "its exit code")
        slot = last_slot(2)
        store = sqlite3.connect(daemon.state / "state.db")
        with store:
            for key in keys:
                store.execute("UPDATE store SET counter = counter + 1")
                store.execute("INSERT INTO document (space, key, version, owner, at, body) "
                              "SELECT 'schedule', ?, counter, '', ?, ? FROM store",
                              (key, slot, json.dumps({"slot": slot, "started_at": slot})))
        store.close()
        daemon.start()
        daemon.wait(lambda: len([r for r in due_runs(daemon) if r["status"] != "running"]) == 2, "both have ended")
        status = {r["branch"]: r["status"] for r in due_runs(daemon)}
        equal(status, {"production": "ok", "archive": "skipped"}, "how they ended")


def a_schedule_without_a_target_starts_nothing_until_there_is_one():
    schedule = ('[agents.a]\ntools = ["visits"]\n[[schedules]]\ntool = "visits"\ncron = "* * * * *"\n'
                'project = "nowhere"\n')
    known = '[[targets]]\nproject = "shop"\nbranch = "production"\nclass = "shared"\n'
    with Daemon(known + schedule) as daemon:
        daemon.start()
        equal((entries(daemon), daemon.run("noop").exit), ([], 0), "entries, and a run that a person asks for")
        daemon.write(known + known.replace("shop", "nowhere") + schedule)
        daemon.reload()
        equal(len(entries(daemon)), 1, "entries when the target is there")
        contains(entries(daemon)[0]["key"], "nowhere/production")


# ---- followed ----

LOOSE = '[[gate]]\ntool = "appends"\ndecision = "execute"\nloosen = true\nreason = "the test counts lines"\n'


def follow(daemon):
    daemon.write(LOOSE + '[agents.a]\ntools = ["steps", "appends"]\n[[subscriptions]]\nevent = "step.taken"\n'
                 f'tool = "appends"\nparams = {{ file = "{daemon.place}/lines", line = "x", slowly = true }}\n')


def followers(daemon):
    return [r for r in daemon.runs() if r["tool"] == "appends"]


def settled(daemon, events):
    runs = followers(daemon)
    return len(runs) >= events and all(r["status"] != "running" for r in runs)


def lines(daemon):
    path = daemon.place / "lines"
    return len(path.read_text().split()) if path.exists() else 0


def taken(daemon):
    return [e["seq"] for e in daemon.events() if e["kind"] == "step.taken"]


def a_subscription_runs_its_tool_once_for_each_event():
    with Daemon() as daemon:
        follow(daemon)
        daemon.start()
        asks = [daemon.begin("steps") for _ in range(10)]
        equal([ask.finish().exit for ask in asks], [0] * 10, "exit codes")
        daemon.wait(lambda: settled(daemon, 10), "each event was followed")
        equal(sorted(r["origin"]["event"] for r in followers(daemon)), sorted(taken(daemon)), "events that were followed")
        equal({r["actor_kind"] for r in followers(daemon)}, {"event"}, "who asked for them")
        equal(lines(daemon), 10, "lines")


def a_kill_9_neither_loses_an_event_nor_follows_one_twice():
    with Daemon() as daemon:
        follow(daemon)
        daemon.start()
        killed = 0
        for _ in range(3):
            asks = [daemon.begin("steps") for _ in range(12)]
            before = len(followers(daemon))
            daemon.wait(lambda n=before: len(followers(daemon)) > n + 2, "some are being followed")
            daemon.kill()
            killed += 1
            for ask in asks:
                ask.finish(1)
            daemon.start()
        daemon.wait(lambda: settled(daemon, len(taken(daemon))), "each event was followed")
        seen = collections.Counter(r["origin"]["event"] for r in followers(daemon))
        equal(sorted(seen), sorted(taken(daemon)), "events that were followed")
        equal(set(seen.values()), {1}, "runs of an event")
        status = collections.Counter(r["status"] for r in followers(daemon))
        holds(status["ok"] <= lines(daemon) <= status["ok"] + status["crashed"], f"{lines(daemon)} lines, {status}")
        print(f"    {killed} kills: {len(seen)} events, runs {dict(status)}, {lines(daemon)} lines")


def what_was_told_while_the_daemon_was_down_is_followed_by_the_next():
    with Daemon() as daemon:
        follow(daemon)
        daemon.start()  # from here on the subscription has a place in the log
        equal(daemon.run("steps").exit, 0, "a run")
        daemon.wait(lambda: settled(daemon, 1), "its event was followed")
        equal(daemon.stop(), 0, "its exit code")
        daemon.cli("run", "steps", check=0)
        equal((lines(daemon), len(taken(daemon))), (1, 2), "lines and events with no daemon")
        daemon.start()
        daemon.wait(lambda: settled(daemon, 2), "it is followed")
        equal(lines(daemon), 2, "lines")


def a_chain_of_events_ends_at_its_limit():
    chain = ('[events]\nchain_limit = 5\n[agents.a]\ntools = ["steps"]\n'
             '[[subscriptions]]\nevent = "step.taken"\ntool = "steps"\n')
    with Daemon(chain) as daemon:
        daemon.start()
        equal(daemon.run("steps").exit, 0, "the run that begins it")
        daemon.wait(lambda: any(e["kind"] == "router.chain_ended" for e in daemon.events()), "the chain is cut")
        equal(len(daemon.runs()), 6, "runs: the first and five that followed")
        cut = next(e for e in daemon.events() if e["kind"] == "router.chain_ended")
        equal(cut["payload"]["limit"], 5, "the limit that it tells")
        contains(daemon.log(), "its chain of events is longer than 5")


def the_start_of_a_daemon_is_followed_from_the_first_one_on():
    with Daemon('[agents.a]\ntools = ["noop"]\n[[subscriptions]]\nevent = "daemon.started"\ntool = "noop"\n') as daemon:
        daemon.start()
        daemon.wait(lambda: [r["status"] for r in daemon.runs()] == ["ok"], "the first start is followed")
        equal(daemon.stop(), 0, "its exit code")
        daemon.start()
        daemon.wait(lambda: [r["status"] for r in daemon.runs()] == ["ok", "ok"], "and the second")


# ---- the clock ----

def a_clock_that_jumps_an_hour_both_ways_starts_each_slot_once():
    if os.environ.get("LBOPS_SANITIZED"):
        skip("nothing can be preloaded before the sanitizer")
    with Daemon(scheduled()) as daemon:
        clock = daemon.place / "clock"
        clock.write_text("0")
        shim = shutil.copy(f"{OWN}/wall_clock.so", daemon.place)  # LD_PRELOAD cannot take a path with a blank
        daemon.start(env={"LD_PRELOAD": shim, "WALL_CLOCK": str(clock)})

        def jump(seconds):
            (daemon.place / "clock.new").write_text(str(seconds))
            (daemon.place / "clock.new").rename(clock)

        def jumps():
            return [round(e["payload"]["seconds"]) for e in daemon.events() if e["kind"] == "clock.jumped"]

        equal(due_runs(daemon), [], "runs before the jump")
        jump(HOUR)
        daemon.wait(lambda: len(jumps()) == 1, "the jump is noticed")
        daemon.wait(lambda: [r["status"] for r in due_runs(daemon)] == ["ok"], "the slot in that hour is started")
        jump(0)
        daemon.wait(lambda: len(jumps()) == 2, "the jump back is noticed")
        equal(daemon.run("noop").exit, 0, "a run, by which time anything due would have begun")
        equal(len(due_runs(daemon)), 1, "runs of that slot")
        for seconds, wanted in zip(jumps(), (HOUR, -HOUR)):
            holds(abs(seconds - wanted) <= 2, f"jumps {jumps()}")


suite(what_was_missed_while_the_daemon_was_down_is_caught_up_once,
      where_catching_up_is_off_it_is_left_out,
      a_pause_holds_starts_and_says_so,
      what_keeps_failing_backs_off_and_says_why,
      a_target_that_sleeps_is_passed_over_and_the_other_has_its_run,
      a_schedule_without_a_target_starts_nothing_until_there_is_one,
      a_subscription_runs_its_tool_once_for_each_event,
      a_kill_9_neither_loses_an_event_nor_follows_one_twice,
      what_was_told_while_the_daemon_was_down_is_followed_by_the_next,
      a_chain_of_events_ends_at_its_limit,
      the_start_of_a_daemon_is_followed_from_the_first_one_on,
      a_clock_that_jumps_an_hour_both_ways_starts_each_slot_once, at_once=3)
