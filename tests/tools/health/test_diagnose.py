"""diagnose_root_cause on servers that the harness shares: names that need quotes, roles that see little, alerts that ask,
memory, history, and inputs that are none."""

import json
import re

from health_place import Clinic, on_each
from incident_kinds import wal
from incident_place import Bed, Ward
from place import contains, equal, holds, suite
from threshold_place import make_deadlock

TOOL = "diagnose_root_cause"
FLUSH = "; SELECT pg_stat_force_next_flush()"
OFF = "WITH (autovacuum_enabled = off)"


def causes(document):
    return {(c["kind"], c["object"]): c for c in document["result"].get("causes", [])}


def names_that_need_quotes(version):
    with Clinic(version) as place:
        place.sql(f'CREATE SCHEMA "Odd S"; CREATE TABLE "Odd S"."T ""1""" (id int) {OFF};'
                  ' INSERT INTO "Odd S"."T ""1""" SELECT generate_series(1, 20000);'
                  ' CREATE TEMP TABLE passing AS SELECT generate_series(1, 20000);'
                  ' CREATE UNLOGGED TABLE quick (id int); CREATE TABLE parts (id int) PARTITION BY RANGE (id);'
                  ' CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (9)' + FLUSH)
        found = causes(place.run(TOOL))
        off = found["autovacuum_off", 'Odd S.T "1"']
        equal(off["command"], 'ALTER TABLE "Odd S"."T ""1""" RESET (autovacuum_enabled)', "command")
        equal(found["stale_statistics", 'Odd S.T "1"']["because_of"], 'autovacuum_off of Odd S.T "1"', "what explains it")
        place.sql(off["command"] + '; ANALYZE "Odd S"."T ""1"""')
        again = causes(place.run(TOOL))
        equal([k for k in again if "Odd S" in k[1]], [], "after its command")


def an_alert_asks(version):
    with Clinic(version) as place:
        place.sql(f"CREATE TABLE t (id int) {OFF}; INSERT INTO t SELECT generate_series(1, 20000)" + FLUSH)
        place.sql("DELETE FROM t WHERE id < 15000" + FLUSH)
        context = {"schema": "public", "table": "t", "value": 0.4}
        document = place.run(TOOL, metric="dead_tuple_ratio", context=context, min_table_mb=0)
        first = document["result"]["causes"][0]
        equal((first["kind"], first["object"], first["rank"], first["fits"]), ("autovacuum_off", "public.t", 1, True), "first")
        equal(document["result"]["context"], context, "context")
        finding = document["result"]["findings"][0]
        points = sum(t["points"] for t in finding["confidence"]["terms"])
        holds(abs(points - first["confidence"]) < 0.001, f"the confidence is its terms: {finding}")
        holds(finding["impact"]["confirm"] and finding["impact"]["otherwise"] and finding["evidence"], str(finding))
        other = place.run(TOOL, metric="replication_lag", min_table_mb=0)["result"]
        holds(other["verdict"].startswith("nothing found explains replication_lag"), other["verdict"])


def changes_of_ours_are_told(version):
    with Clinic(version, kind="throwaway") as place:
        place.sql("CREATE TABLE orders (id int, customer int); INSERT INTO orders SELECT g, g % 5000 FROM"
                  " generate_series(1, 30000) g; CREATE INDEX orders_customer ON orders (customer)")
        place.sql("VACUUM ANALYZE orders; SET enable_seqscan = off; SELECT count(id) FROM orders WHERE customer = 7" + FLUSH)
        place.run(TOOL)
        (place.dir / "migrations").mkdir()
        (place.dir / "migrations" / "V1__drop.sql").write_text("DROP INDEX orders_customer;\n")
        place.run("apply_schema_migration", dir=str(place.dir / "migrations"))
        equal(place.sql("SELECT count(*) FROM pg_class WHERE relname = 'orders_customer'"), "0", "dropped by the migration")
        place.sql("SELECT count(id) FROM orders WHERE customer = 7;" * 12 + FLUSH[1:])
        document = place.run(TOOL)
        cause = causes(document)["dropped_index", "public.orders_customer"]
        evidence = next(f["evidence"] for f in document["result"]["findings"] if f["kind"] == "dropped_index")
        holds("DROP INDEX" in evidence["change"], str(evidence))
        holds(any("DROP INDEX" in c["statement"] for c in document["result"]["changes"]), str(document["result"]["changes"]))
        holds(cause["confidence"] > 0.95, str(cause))
        place.sql(cause["command"])
        equal(("dropped_index", "public.orders_customer") in causes(place.run(TOOL)), False, "made again")
        place.sql("ALTER INDEX orders_customer RENAME TO by_customer")
        equal([k for k in causes(place.run(TOOL)) if k[0] == "dropped_index"], [], "a new name is no loss")


def a_branch_that_is_made_again_has_lost_nothing(version):
    made = ("CREATE TABLE orders (id int, customer int); INSERT INTO orders SELECT g, g % 5000 FROM"
            " generate_series(1, 30000) g")
    asks = "SELECT count(id) FROM orders WHERE customer = 7;" * 12 + FLUSH[1:]
    with Clinic(version) as place:
        place.is_known()
        place.sql(made + "; CREATE INDEX orders_customer ON orders (customer)")
        place.sql("VACUUM ANALYZE orders; SET enable_seqscan = off; SELECT count(id) FROM orders WHERE customer = 7" + FLUSH)
        place.run(TOOL)
        place.is_made_again()
        place.sql(made)
        place.sql("VACUUM ANALYZE orders;" + asks)
        equal([k for k in causes(place.run(TOOL)) if k[0] == "dropped_index"], [], "the index was another branch's")
        place.sql("CREATE INDEX orders_customer ON orders (customer)")
        place.run(TOOL)
        place.sql("DROP INDEX orders_customer;" + asks)
        holds(("dropped_index", "public.orders_customer") in causes(place.run(TOOL)), "it has a memory of its own")


def another_tool_remembers(version):
    with Clinic(version) as place:
        first = place.run(TOOL, give_reading=True)["result"]
        equal(first["examined"]["kinds of causes"], 12, "one reading")
        second = place.run(TOOL, before=first["reading"])["result"]
        equal(second["examined"]["kinds of causes"], 17, "two")
        holds("reading" not in second, "only when asked for")
        planned = place.run(TOOL, plan=True)
        equal((planned["status"], planned["changes"]), ("ok", []), "a plan")


def a_command_ends_the_session_that_was_seen(version):
    """And nobody who has its number by then: it names the start as well."""
    with Clinic(version) as place:
        place.sql("CREATE TABLE till (id int); INSERT INTO till VALUES (1); GRANT ALL ON till TO public")
        role = place.role("clerk")
        root = place.person(role)
        root.say("BEGIN; UPDATE till SET id = 2")
        waits(place, place.person(role), "till")
        command = causes(place.run(TOOL, min_wait_s=0))["lock_chain", f"session {root.pid}"]["command"]
        start = place.at_server("SELECT to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')"
                                f" FROM pg_stat_activity WHERE pid = {root.pid}")
        equal(command, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              f" WHERE pid = {root.pid} AND backend_start = '{start}'", "command")
        equal((place.sql(command.replace(start, "2001-01-01 00:00:00+00")), root.lives()), ("", True), "another one")
        equal(place.sql(command), "t", "that one")
        place.until(f"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {root.pid})")


def a_prepared_transaction_is_named_where_it_is_surely_the_one(version):
    """Of two the one in the way, by its name as SQL has it; while both are in somebody's way, the command asks for them."""
    with Clinic(version) as place:
        stops, others = f"it's {place.database}", f"another {place.database}"
        place.sql("CREATE TABLE till (id int); INSERT INTO till VALUES (1); CREATE TABLE shelf (id int); INSERT INTO shelf VALUES (1);"
                  "GRANT ALL ON till, shelf TO public")
        for table, gid in (("till", stops), ("shelf", others)):
            place.sql(f"BEGIN; UPDATE {table} SET id = 2; PREPARE TRANSACTION {literal(gid)}")
        try:
            role = place.role("clerk")
            waits(place, place.person(role), "till")
            found = causes(place.run(TOOL, min_wait_s=0))
            command = found["lock_chain", f"prepared transaction {stops}"]["command"]
            equal(command, f"ROLLBACK PREPARED {literal(stops)}", "command")
            waits(place, place.person(role), "shelf")
            both = causes(place.run(TOOL, min_wait_s=0))["lock_chain", "a prepared transaction"]["command"]
            holds(stops in place.sql(both) and others in place.sql(both), f"it shows both: {both}")
            place.sql(command)
            chain = causes(place.run(TOOL, min_wait_s=0))["lock_chain", f"prepared transaction {others}"]
            equal(chain["command"], f"ROLLBACK PREPARED {literal(others)}", "the one that is left")
        finally:
            for gid in (stops, others):
                if place.sql(f"SELECT count(*) FROM pg_prepared_xacts WHERE gid = {literal(gid)}") == "1":
                    place.sql(f"ROLLBACK PREPARED {literal(gid)}")


def a_spill_names_the_role_whose_statement_it_is(version):
    """Of this database, and by its name as SQL has it."""
    with Clinic(version) as place:
        place.sql("CREATE EXTENSION pg_stat_statements")
        role = place.role("Clerk")
        spiller = place.person(role)
        before = place.run(TOOL, give_reading=True)["result"]["reading"]
        spiller.say("SET work_mem = '64kB'; SELECT count(*) FROM (SELECT g FROM generate_series(1, 200000) g ORDER BY g DESC) s" + FLUSH)
        spill = causes(place.run(TOOL, before=before, min_temp_mb=0.1))["temp_spill", "server"]
        holds(re.fullmatch(f'ALTER ROLE "{role}" SET work_mem = \'[0-9]+MB\'', spill["command"]), spill["command"])
        place.sql(spill["command"])
        creator = place.role("creator", "LOGIN CREATEROLE IN ROLE pg_monitor")
        for may, whom in ((False, place.role("looks", "LOGIN IN ROLE pg_monitor")), (version < 16, creator)):
            place.be(whom)
            command = causes(place.run(TOOL, before=before, min_temp_mb=0.1))["temp_spill", "server"]["command"]
            equal(command.startswith("ALTER ROLE"), may, f"{whom} may: {command}")
            contains(command, "" if may else "SELECT rolname FROM pg_roles WHERE rolsuper  -- ", f'ALTER ROLE "{role}" SET')
        place.at_server(f'GRANT "{role}" TO "{creator}" WITH ADMIN OPTION')
        command = causes(place.run(TOOL, before=before, min_temp_mb=0.1))["temp_spill", "server"]["command"]
        holds(command.startswith("ALTER ROLE"), f"it is the creator's now: {command}")


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def waits(place, person, table):
    person.start(f"UPDATE {table} SET id = 3")
    place.until(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {person.pid}")


def deadlocks(place, before):
    """What a diagnosis says of them, against that reading."""
    findings = place.run(TOOL, before=before)["result"]["findings"]
    return next((f["evidence"], f["reason"]) for f in findings if f["kind"] == "deadlocks")


def deadlocks_of_a_moment_are_no_rate(version):
    """Three of a few seconds are three of a few seconds, and not thousands an hour; nor are those of a day any hour's."""
    with Clinic(version) as place:
        place.sql("CREATE TABLE two (id int); INSERT INTO two VALUES (1), (2); GRANT ALL ON two TO public")
        role = place.role("clerk")
        people = [place.person(role) for _ in range(4)]
        before = place.run(TOOL, give_reading=True)["result"]["reading"]
        make_deadlock(people)
        evidence, reason = deadlocks(place, before)
        equal((evidence["deadlocks"], evidence["per_hour"]), (1, None), "one is a finding, and no rate")
        for _ in range(2):
            make_deadlock(people)
        evidence, reason = deadlocks(place, before)
        equal((evidence["deadlocks"], evidence["per_hour"]), (3, None), reason)
        holds("3 deadlocks in " in reason, reason)
        people[0].say("BEGIN; UPDATE two SET id = id WHERE id = 1")
        command = causes(place.run(TOOL, before=before))["deadlocks", "server"]["command"]
        holds(str(people[0].pid) in place.sql(command), f"who writes now: {command}")
        people[0].say("ROLLBACK")
        for minutes, rate in ((30, True), (120, False)):
            evidence, reason = deadlocks(place, {**before, "at": before["at"] - minutes * 60_000_000})
            equal(evidence["per_hour"] is not None, rate, f"{minutes} minutes: {evidence}")
            holds(not rate or 3 < evidence["per_hour"] <= 6, f"three in half an hour: {evidence}")


def said(document):
    """All that a diagnosis says, byte by byte."""
    result = dict(document["result"])
    result.pop("replay", None)
    return json.dumps(result, ensure_ascii=False)


def what_was_found_is_found_again_from_history(version):
    with Clinic(version) as place:
        equal(place.run(TOOL)["result"]["diagnosis_id"], None, "where nothing is found, nothing is kept")
        place.sql(f'CREATE TABLE "Odd ""1""" (id int) {OFF}; INSERT INTO "Odd ""1""" SELECT generate_series(1, 20000)' + FLUSH)
        place.sql('DELETE FROM "Odd ""1""" WHERE id < 15000' + FLUSH)
        somebody = place.person(place.role("clerk"), application="näh'ma\"schine")
        somebody.say("BEGIN; SELECT txid_current()")
        given = {"metric": "dead_tuple_ratio", "context": {"value": 0.4}, "min_idle_s": 0, "min_table_mb": 0}
        first = place.run(TOOL, **given)
        kinds = [c["kind"] for c in first["result"]["causes"]]
        holds({"idle_in_transaction", "autovacuum_off", "dead_tuples"} <= set(kinds), str(kinds))
        holds(first["result"]["diagnosis_id"], "it is kept")
        equal(place.run(TOOL, **given)["result"]["diagnosis_id"], None, "the same causes once more are not")
        holds(place.run(TOOL, keep=True, **given)["result"]["diagnosis_id"], "unless somebody wants them")
        somebody.leave()
        place.sql('DROP TABLE "Odd ""1"""')
        place.until(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {somebody.pid}")
        equal(place.run(TOOL, min_idle_s=0)["result"]["found"], 0, "the causes are gone")
        nobody = {f"LBOPS_TEST_PG{version}": "postgresql://postgres@127.0.0.1:1/postgres"}
        for env in ({}, nobody):
            again = place.run(TOOL, replay=first["result"]["diagnosis_id"], min_idle_s=7, env=env)
            equal(said(again), said(first), "the same diagnosis")
            equal((again["result"]["replay"]["same"], again["result"]["replay"]["verdict_then"]),
                  (True, first["result"]["verdict"]), str(again["result"]["replay"]))
        equal(place.run(TOOL, min_idle_s=0)["result"]["found"], 0, "what is remembered is of now, not of then")
        lost = place.run(TOOL, check=1, replay="0123456789abcdef")
        contains(lost["error"]["message"], "no diagnosis 0123456789abcdef is kept")
        rows = place.history("SELECT found, verdict FROM diagnosis_history ORDER BY diagnosed_at")
        equal([int(r[0]) for r in rows["rows"]], [len(kinds)] * 2, "rows of history")


def who_sees_little_says_so(version):
    with Clinic(version) as place:
        role = place.role("weak")
        place.sql(f'GRANT CONNECT ON DATABASE {place.database} TO "{role}"')
        somebody = place.person(place.role("clerk"))
        place.be(role)
        result = place.run(TOOL)["result"]
        holds(any("pg_monitor" in s["reason"] for s in result["skipped"]), str(result["skipped"]))
        holds(somebody.lives(), "nobody is ended")


def autovacuum_of(place):
    """What a person is told to type about a server on which it is off."""
    found = causes(place.run(TOOL))["autovacuum_off", "server"]
    equal(found["rank"], 1, "its rank")
    return found["command"]


def a_setting_is_changed_where_it_can_be(version):
    """By whoever may, and not at all where it was given when the server was started."""
    with Ward(version, autovacuum="off") as ward, Bed(ward) as place:
        place.sql("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 20000)" + FLUSH)
        place.run(TOOL)
        equal(autovacuum_of(place), "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()", "by its owner")
        ward.sql("CREATE ROLE looks LOGIN IN ROLE pg_monitor")
        name = f"LBOPS_TEST_PG{version}"
        place.env[name] = ward.url.replace("//postgres@", "//looks@")
        command = autovacuum_of(place)
        contains(command, "SELECT rolname FROM pg_roles", "  -- ", "SET autovacuum = on")
        equal(place.sql(command), "postgres", "who may")
        ward.sql("GRANT ALTER SYSTEM ON PARAMETER autovacuum TO looks;"
                 " GRANT EXECUTE ON FUNCTION pg_reload_conf() TO looks")
        contains(autovacuum_of(place), "SELECT rolname")  # the right to a function is this database's own, and it is another
        place.sql("GRANT EXECUTE ON FUNCTION pg_reload_conf() TO looks")
        contains(autovacuum_of(place), "ALTER SYSTEM SET autovacuum = on; ")
        place.env[name] = ward.url
        ward.shell('pg_exec "$bin/pg_ctl" -D "$data" -m fast -w -l "$log" -o "-c autovacuum=off" restart >/dev/null')
        command = autovacuum_of(place)
        contains(command, "  -- it is given where the server is started: there it is to become on")
        equal(place.sql(command), "autovacuum|off|command line", "where it comes from")


def it_says_where_those_at_work_wait(version):
    """With what was found behind it; of nobody who rests."""
    with Clinic(version) as place:
        place.sql("CREATE TABLE till (id int); INSERT INTO till VALUES (1); GRANT ALL ON till TO public")
        role = place.role("clerk")
        root, sleeper = place.person(role), place.person(role)
        root.say("BEGIN; UPDATE till SET id = 2")
        for _ in range(2):
            waits(place, place.person(role), "till")
        sleeper.start("SELECT pg_sleep(600)")
        place.until(f"SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {sleeper.pid}")
        result = place.run(TOOL, min_wait_s=0)["result"]
        seen = {w["class"]: w for w in result["waits"]}
        holds(seen["Lock"]["sessions"] >= 2 and seen["Timeout"]["sessions"] >= 1, str(seen))
        holds(f"lock_chain of session {root.pid}" in seen["Lock"]["causes"], str(seen))
        shares = [w["share"] for w in result["waits"]]
        holds(shares == sorted(shares, reverse=True) and abs(sum(shares) - 1) < 0.001, str(shares))
        contains(result["where_time_goes"], " sessions at work in 5 looks: ", " % Lock (", " % Timeout (PgSleep)")
    with Ward(version) as ward, Bed(ward) as place:
        equal(place.run(TOOL)["result"]["where_time_goes"], "nobody was at work", "at rest")


def slots(document):
    """What it says of slots, each with its evidence."""
    evidence = {(f["kind"], f["object"]): f["evidence"] for f in document["result"].get("findings", [])}
    return {k: {**c, **evidence[k]} for k, c in causes(document).items() if k[0] in ("stuck_slot", "lost_slot")}


def a_slot_is_told_before_it_is_lost_and_after(version):
    with Ward(version, max_slot_wal_keep_size="'64MB'", wal_keep_size=0) as ward, Bed(ward) as place:
        place.sql("CHECKPOINT; SELECT pg_create_physical_replication_slot('follower', true)")
        equal(slots(place.run(TOOL)), {}, "there is room")
        wal(place, 50)
        near = slots(place.run(TOOL))["lost_slot", "follower"]
        holds(near["safe_wal_size"] < near["limit"] < near["safe_wal_size_before"], str(near))
        equal((near["limit"], near["lost_because"], round(near["confidence"], 2)), (32 << 20, None, 0.8), "half of what it may keep")
        command = near["command"].split("; ")
        equal(command, ["ALTER SYSTEM SET max_slot_wal_keep_size = '128MB'", "SELECT pg_reload_conf()"], "command")
        for statement in command:
            ward.sql(statement)
        place.until("SELECT current_setting('max_slot_wal_keep_size') = '128MB'")
        equal(slots(place.run(TOOL)), {}, "there is room again")
        wal(place, 110)
        place.sql("CHECKPOINT")
        place.until("SELECT wal_status = 'lost' FROM pg_replication_slots")
        found = slots(place.run(TOOL))
        equal([*found], [("lost_slot", "follower")], "and nothing else of it")
        lost = found["lost_slot", "follower"]
        equal((lost["lost_because"], lost["safe_wal_size"], round(lost["confidence"], 2)), ("wal_removed", None, 0.9), "lost")
        equal(lost["command"], "SELECT pg_drop_replication_slot('follower')", "command")
        place.sql(lost["command"])
        equal(slots(place.run(TOOL)), {}, "dropped")


def a_slot_that_nobody_reads_is_told_by_its_time(version):
    """From 17 on, where the server knows since when; however little it keeps. The platform's own nobody is to drop."""
    with Ward(version) as ward, Bed(ward) as place:
        place.sql("SELECT pg_create_physical_replication_slot('left_alone', true),"
                  " pg_create_physical_replication_slot('wal_proposer_slot', true)")
        equal(slots(place.run(TOOL)), {}, "half an hour is not over")
        found = slots(place.run(TOOL, min_slot_idle_s=0))
        if version < 17:
            return equal(found, {}, "it is not known")
        one, own = found["stuck_slot", "left_alone"], found["stuck_slot", "wal_proposer_slot"]
        holds(0 <= one["unread_s"] < 600 and round(one["confidence"], 2) == 0.5, str(one))
        equal(one["command"], "SELECT pg_drop_replication_slot('left_alone')", "command")
        contains(own["command"], "  -- it is the platform's own")
        holds(place.sql(own["command"]).startswith("wal_proposer_slot|"), own["command"])


def wrong_input_is_refused(version):
    with Clinic(version) as place:
        place.run(TOOL, check=2, min_txid_age=0)
        place.run(TOOL, check=2, context="{")
        place.run(TOOL, check=2, rain=1)
        holds(place.run(TOOL, before={"rain": 1})["status"] == "ok", "a reading of another kind is none")
        equal(place.run(TOOL, before=[1])["status"], "ok", "nor is a list")


suite(*on_each(names_that_need_quotes, an_alert_asks, changes_of_ours_are_told,
               a_branch_that_is_made_again_has_lost_nothing, another_tool_remembers, deadlocks_of_a_moment_are_no_rate,
               a_command_ends_the_session_that_was_seen, a_prepared_transaction_is_named_where_it_is_surely_the_one,
               a_spill_names_the_role_whose_statement_it_is, a_slot_is_told_before_it_is_lost_and_after,
               a_slot_that_nobody_reads_is_told_by_its_time, it_says_where_those_at_work_wait,
               what_was_found_is_found_again_from_history, who_sees_little_says_so, a_setting_is_changed_where_it_can_be,
               wrong_input_is_refused))
