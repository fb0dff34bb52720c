"""self_heal on private servers: what is low is done and verified, the rest is put before a person, and nobody is fought."""

from health_place import on_each, radius_of
from incident_place import Bed, Ward
from place import contains, equal, holds, suite
from planted import KEEPS, midnight, plant

TOOL = "self_heal"
FLUSH = "; SELECT pg_stat_force_next_flush()"
LIMITS = ("[agents.health]\n[agents.health.tool.diagnose_root_cause]\n"
          "params = { min_dead_rows = 1000, min_table_mb = 0, min_idle_s = 0.05, min_slot_mb = 1 }\n")
PAUSE = ('[[windows]]\nname = "works"\nkind = "pause"\nopens = "0 * * * *"\nlasts_min = 59\n'
         '[[windows]]\nname = "works-too"\nkind = "pause"\nopens = "59 * * * *"\nlasts_min = 1\n')


def remedies(document):
    return [(r["cause"], r["object"], r["risk"], r["status"], r["verified"]) for r in document["result"].get("remedies", [])]


def foremost(document):
    found = remedies(document)
    holds(found, f"no remedy: {document}")
    return found[0]


def told(document):
    return [(e["type"], e["payload"].get("issue")) for e in document["events"]]


def queue(bed, name="queue", options=""):
    bed.sql(f"CREATE TABLE {name} (id int) {options}; INSERT INTO {name} SELECT generate_series(1, 20000)")
    bed.sql(f"ANALYZE {name}")
    bed.sql(f"DELETE FROM {name} WHERE id <= 9000" + FLUSH)


def low_risks_are_taken(bed):
    queue(bed)
    planned = bed.run(TOOL, plan=True)
    equal((foremost(planned)[3], told(planned)), ("planned", []), "a plan")
    done = bed.run(TOOL)
    equal(remedies(done), [("dead_tuples", "public.queue", "low", "executed", True)], "vacuumed")
    equal(bed.sql("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'queue'"), "0", "dead rows")
    holds(("self_heal.executed", "dead_tuples") in told(done), str(told(done)))
    again = bed.run(TOOL)
    equal((remedies(again), again["changes"]), ([], []), "a second run has nothing to do")
    bed.sql("DELETE FROM queue WHERE id <= 15000" + FLUSH)
    held = bed.run(TOOL)["result"]["remedies"][0]
    equal((held["status"], held["why"]), ("held_back", "it was tried less than 1 h ago"), "not twice within an hour")


def statistics_are_taken_anew(bed):
    bed.sql('CREATE TABLE "Odd Name" (id int); INSERT INTO "Odd Name" SELECT generate_series(1, 20000)' + FLUSH)
    equal(remedies(bed.run(TOOL)), [("stale_statistics", "public.Odd Name", "low", "executed", True)], "analyzed")
    equal(bed.sql("SELECT n_mod_since_analyze FROM pg_stat_user_tables"), "0", "rows changed since")


def what_the_role_may_not_do_goes_to_a_person(bed):
    bed.sql("CREATE TABLE theirs (id int); INSERT INTO theirs SELECT generate_series(1, 20000)" + FLUSH)
    role = bed.role("watcher")
    bed.at_server(f'GRANT pg_monitor TO "{role}"')
    bed.be(role)
    done = bed.run(TOOL)
    equal((remedies(done), done["changes"]), ([("stale_statistics", "public.theirs", "low", "not_possible", None)], []), "nothing is done")
    holds("MAINTAIN" in done["result"]["remedies"][0]["why"], str(done["result"]["remedies"]))
    equal([name for name, _ in told(done)], ["issue.escalated"], "a person hears of it")


def a_session_is_ended_once_a_person_agrees(bed):
    bed.sql("CREATE TABLE note (id int); GRANT ALL ON note TO public")
    idler = bed.person(bed.role("clerk"))
    idler.say("BEGIN; INSERT INTO note SELECT generate_series(1, 500)")
    bed.until(f"SELECT state_change < clock_timestamp() - interval '0.1 s' FROM pg_stat_activity WHERE pid = {idler.pid}")
    asked = bed.run(TOOL, check=None)
    equal(foremost(asked), ("idle_in_transaction", f"session {idler.pid}", "medium", "pending_approval", None), "asked")
    holds(idler.lives(), "it is not ended by itself")
    treated = {e["payload"]["metric"]: e["payload"]["text"] for e in asked["events"] if e["type"] == "threshold.treated"}
    equal(set(treated), {"txid_age", "lock_wait_time", "connection_utilization"}, "the alerts of what it drives hear of it")
    holds(all(f"waits for a person (lbops approvals) (idle_in_transaction of session {idler.pid})" in t for t in treated.values()), str(treated))
    radius, why = radius_of(bed.approvals())
    equal(why, None, "it is known")
    equal((radius["holds"], radius["relations_locked"], radius["waiters"], radius["has_written"]),
          ("RowExclusiveLock on note", 1, 0, True), "what goes with it")
    holds(0 < radius["rollback_s"] < 1 and "dead rows" in radius["rollback_is"], f"what its rollback takes: {radius}")
    again = bed.run(TOOL)["result"]["remedies"][0]
    equal((again["status"], again["why"]), ("held_back", "a person is already asked"), "asked once")
    request = asked["approvals"][0]["id"]
    bed.approve(request)
    holds(not idler.lives(), "ended once a person agreed")
    after = bed.run(TOOL)
    equal((remedies(after), followed(after)), ([], [("idle_in_transaction", f"session {idler.pid}", "anna", "verified")]),
          "and that is all")


def who_has_gone_by_himself_was_not_ended(bed):
    bed.sql("CREATE TABLE note (id int); GRANT ALL ON note TO public")
    idler = bed.person(bed.role("clerk"))
    idler.say("BEGIN; INSERT INTO note VALUES (1)")
    bed.until(f"SELECT state_change < clock_timestamp() - interval '0.1 s' FROM pg_stat_activity WHERE pid = {idler.pid}")
    asked = bed.run(TOOL, check=None)
    equal(foremost(asked)[:4], ("idle_in_transaction", f"session {idler.pid}", "medium", "pending_approval"), "asked")
    idler.leave()
    bed.wait(lambda: not idler.lives())
    bed.approve(asked["approvals"][0]["id"])
    after = bed.run(TOOL)
    equal((followed(after), told(after)),
          ([("idle_in_transaction", f"session {idler.pid}", "anna", "nothing_to_do")], []), "there was nobody to be ended")
    equal(after["result"]["verified_later"], 0, "and that is no success")
    equal(followed(bed.run(TOOL)), [], "told once")


def who_holds_up_nobody_any_more_is_not_ended(bed):
    bed.write(LIMITS.replace("min_idle_s", "min_wait_s = 0.05, min_idle_s"))
    role = bed.role("clerk")
    for table, is_over in (("till", True), ("box", False)):
        bed.sql(f"CREATE TABLE {table} (id int); INSERT INTO {table} VALUES (1); GRANT ALL ON {table} TO public")
        root, waiter = bed.person(role), bed.person(role)
        root.say(f"BEGIN; UPDATE {table} SET id = 2")
        waiter.start(f"UPDATE {table} SET id = 3")
        bed.until("SELECT waitstart < clock_timestamp() - interval '0.1 s' FROM pg_locks"
                  f" WHERE pid = {waiter.pid} AND NOT granted")
        asked = bed.run(TOOL, cause="lock_chain", others_min=0, check=None)
        equal(foremost(asked)[:4], ("lock_chain", f"session {root.pid}", "high", "pending_approval"), "asked")
        if is_over:
            bed.sql(f"SELECT pg_cancel_backend({waiter.pid})")
            bed.until(f"SELECT state = 'idle' FROM pg_stat_activity WHERE pid = {waiter.pid}")
        bed.approve(asked["approvals"][0]["id"])
        equal(root.lives(), is_over, "it is ended if somebody waits for it, and only then")


def a_no_is_a_no(bed):
    queue(bed, "jobs", "WITH (autovacuum_enabled = off)")
    asked = bed.run(TOOL, check=None)
    equal(foremost(asked)[:4], ("autovacuum_off", "public.jobs", "medium", "pending_approval"), "asked")
    bed.cli("deny", asked["approvals"][0]["id"], "--as", "anna", "--because", "a load is running", check=0)
    held = bed.run(TOOL)["result"]["remedies"][0]
    equal((held["status"], held["why"]), ("held_back", "anna said no to it"), "a person's no")
    equal(bed.sql("SELECT array_to_string(reloptions, ' ') FROM pg_class WHERE relname = 'jobs'"),
          "autovacuum_enabled=off", "as it was")


def followed(document):
    return [(f["cause"], f["object"], f["approved_by"], f["status"]) for f in document["result"].get("followed", [])]


def options(bed, table):
    return bed.sql(f"SELECT coalesce(array_to_string(reloptions, ' '), '') FROM pg_class WHERE relname = '{table}'")


def agreed(bed, name):
    """A person agrees that autovacuum comes to a table again."""
    queue(bed, name, "WITH (autovacuum_enabled = off)")
    asked = bed.run(TOOL, check=None)
    equal(foremost(asked)[:4], ("autovacuum_off", f"public.{name}", "medium", "pending_approval"), "asked")
    bed.approve(asked["approvals"][0]["id"])
    equal(options(bed, name), "", "the approval is carried out")


def what_was_approved_is_verified_and_then_left_to_people(bed):
    agreed(bed, "jobs")
    waits = bed.run(TOOL)
    equal([f[0::3] for f in followed(waits)], [("autovacuum_off", "waits")], "autovacuum has not come yet")
    held = waits["result"]["remedies"][0]
    equal((held["cause"], held["status"]), ("dead_tuples", "held_back"), "and is not forestalled")
    holds("is given its time" in held["why"], held["why"])
    bed.sql("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    bed.sql("SELECT pg_reload_conf()")
    try:
        bed.until_here("SELECT autovacuum_count > 0 AND n_dead_tup = 0 AND n_mod_since_analyze = 0 FROM pg_stat_user_tables"
                       " WHERE relname = 'jobs'")
    finally:
        bed.sql("ALTER SYSTEM RESET autovacuum_naptime")
        bed.sql("SELECT pg_reload_conf()")
    helped = bed.run(TOOL)
    equal(([f[0::3] for f in followed(helped)], told(helped)),
          ([("autovacuum_off", "verified")], [("self_heal.executed", "autovacuum_off")]), "it has come")
    equal(followed(bed.run(TOOL)), [], "told once")
    bed.sql("ALTER TABLE jobs SET (autovacuum_enabled = off); DELETE FROM jobs WHERE id <= 18000" + FLUSH)
    back = bed.run(TOOL)
    equal([f[0::3] for f in followed(back)], [("autovacuum_off", "changed_by_hand")], "somebody did not want it")
    for document in (back, bed.run(TOOL)):
        held = document["result"]["remedies"][0]
        equal((held["cause"], held["status"], document["changes"]), ("autovacuum_off", "held_back", []), "and is not fought")
        holds("somebody has changed it by hand since" in held["why"], held["why"])
    equal(options(bed, "jobs"), "autovacuum_enabled=off", "as that person left it")


def what_was_approved_in_vain_is_taken_back(bed):
    bed.sql("CREATE TABLE held (id int); BEGIN; INSERT INTO held VALUES (1); PREPARE TRANSACTION 'in doubt'")
    try:
        agreed(bed, "jobs")
        bed.sql("VACUUM jobs")  # as autovacuum would, for nothing
        vain = bed.run(TOOL, settle_min=0, cause="none", check=None)
        equal([f[0::3] for f in followed(vain)], [("autovacuum_off", "rollback_waits")], "not a row went")
        bed.approve(vain["approvals"][0]["id"])
        equal(options(bed, "jobs"), "autovacuum_enabled=off", "as it was")
        equal(told(vain), [("self_heal.executed", "autovacuum_off"), ("issue.escalated", "autovacuum_off")], "told")
        equal(vain["events"][0]["payload"]["status"], "failed", "that it did not help")
        done = next(e["payload"]["done"] for e in vain["events"] if e["type"] == "issue.escalated")
        holds(done.startswith("let autovacuum come to public.jobs again, as anna had approved: it did not help"), done)
        equal(followed(bed.run(TOOL, check=None)), [], "told once")
        equal(options(bed, "jobs"), "autovacuum_enabled=off", "and it is not tried again at once")
    finally:
        bed.sql("ROLLBACK PREPARED 'in doubt'")


def on_a_throwaway_branch_it_is_taken_back_at_once(ward):
    with Bed(ward, kind="throwaway", more=LIMITS) as bed:
        bed.sql("CREATE TABLE held (id int); BEGIN; INSERT INTO held VALUES (1); PREPARE TRANSACTION 'in doubt'")
        try:
            agreed(bed, "jobs")
            bed.sql("VACUUM jobs")
            equal(followed(bed.run(TOOL, settle_min=60, cause="none"))[0][3], "waits", "it has its time")
            vain = bed.run(TOOL, settle_min=0, cause="none")
            equal(followed(vain), [("autovacuum_off", "public.jobs", "anna", "rolled_back")], "not a row went")
            equal(options(bed, "jobs"), "autovacuum_enabled=off", "as it was")
            holds(("issue.escalated", "autovacuum_off") in told(vain), str(told(vain)))
        finally:
            bed.sql("ROLLBACK PREPARED 'in doubt'")


def what_a_person_altered_meanwhile_is_not_taken_back(bed):
    agreed(bed, "jobs")
    bed.sql("ALTER TABLE jobs SET (autovacuum_enabled = on)")
    left = bed.run(TOOL, settle_min=0)
    equal([f[0::3] for f in followed(left)], [("autovacuum_off", "changed_by_hand")], "it is not ours any more")
    equal(options(bed, "jobs"), "autovacuum_enabled=on", "as that person left it")


WHOLE = "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off; "
ASKS = "SELECT count(id) FROM orders WHERE customer = 7;" * 12
THERE = "SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_customer'"


def index_made_again(bed):
    """A person agrees to an index that was dropped, and nobody has asked by it yet."""
    bed.sql("CREATE TABLE orders (id int, customer int); INSERT INTO orders SELECT g, g % 5000 FROM"
            " generate_series(1, 30000) g; CREATE INDEX orders_customer ON orders (customer)")
    bed.sql("VACUUM ANALYZE orders; SET enable_seqscan = off; SELECT count(id) FROM orders WHERE customer = 7" + FLUSH)
    bed.run(TOOL)
    bed.sql("DROP INDEX orders_customer;" + ASKS + FLUSH[1:])
    asked = bed.run(TOOL, others_min=0, check=None)
    equal(foremost(asked)[:4], ("dropped_index", "public.orders_customer", "medium", "pending_approval"), "asked")
    bed.approve(asked["approvals"][0]["id"])
    equal(followed(bed.run(TOOL, settle_min=0))[0][3], "waits", "nobody has asked yet, however long ago that is")


def an_index_that_was_made_again_is_followed(bed):
    index_made_again(bed)
    bed.sql(WHOLE + ASKS + FLUSH[1:])
    equal(followed(bed.run(TOOL))[0][3], "waits", "read whole, so far")
    vain = bed.run(TOOL, settle_min=0, check=None)
    equal(followed(vain)[0][3], "rollback_waits", "nobody uses it")
    holds(("issue.escalated", "dropped_index") in told(vain), str(told(vain)))
    bed.approve(vain["approvals"][0]["id"])
    equal(bed.sql(THERE), "0", "it is gone again")


def one_that_waits_holds_up_nothing_for_long(bed):
    """Read whole by a report, it is neither of use nor in vain; and its table has other causes, too."""
    index_made_again(bed)
    bed.sql("DELETE FROM orders WHERE id <= 15000" + FLUSH)
    held = bed.run(TOOL)
    equal(remedies(held), [("dead_tuples", "public.orders", "low", "held_back", None)], "while it has its time")
    holds("is given its time" in held["result"]["remedies"][0]["why"], held)
    late = bed.run(TOOL, settle_min=0)
    equal(followed(late)[0][3], "waits", "that its table was read whole once says nothing")
    equal(remedies(late), [("dead_tuples", "public.orders", "low", "executed", True)], "what else there is with its table is treated")
    equal((bed.sql(THERE), "issue.escalated" in dict(told(late))), ("1", False), "and nobody is called")


def on_a_throwaway_branch_an_index_goes_when_a_person_agrees(ward):
    with Bed(ward, kind="throwaway", more=LIMITS) as bed:
        index_made_again(bed)
        bed.sql(WHOLE + ASKS + FLUSH[1:])
        vain = bed.run(TOOL, settle_min=0, check=None)
        equal((followed(vain)[0][3], bed.sql(THERE)), ("rollback_waits", "1"), "it is asked for")
        bed.approve(vain["approvals"][0]["id"])
        equal(bed.sql(THERE), "0", "it is gone again")


def what_counters_forgot_is_no_help(bed):
    agreed(bed, "jobs")
    bed.sql("SELECT pg_stat_reset_single_table_counters('jobs'::regclass)")
    equal(followed(bed.run(TOOL, settle_min=0))[0][3], "waits", "nothing has been done, and nothing is known")
    bed.sql("VACUUM ANALYZE jobs" + FLUSH)
    equal(followed(bed.run(TOOL))[0][3], "verified", "something has been")


def an_index_that_helps_and_is_dropped_by_hand_stays_so(bed):
    bed.sql("CREATE TABLE orders (id int, customer int); INSERT INTO orders SELECT g, g % 5000 FROM"
            " generate_series(1, 30000) g; CREATE INDEX orders_customer ON orders (customer)")
    bed.sql("VACUUM ANALYZE orders; SET enable_seqscan = off; SELECT count(id) FROM orders WHERE customer = 7" + FLUSH)
    bed.run(TOOL)
    bed.sql("DROP INDEX orders_customer;" + ASKS + FLUSH[1:])
    held = bed.run(TOOL)["result"]["remedies"][0]
    equal((held["cause"], held["status"]), ("dropped_index", "held_back"), "somebody has just dropped it, in psql")
    holds("by hand" in held["why"], held["why"])
    bed.sql(ASKS + FLUSH[1:])
    asked = bed.run(TOOL, others_min=0, check=None)
    equal(foremost(asked)[:4], ("dropped_index", "public.orders_customer", "medium", "pending_approval"), "later")
    bed.approve(asked["approvals"][0]["id"])
    bed.sql("SET enable_seqscan = off;" + ASKS + FLUSH[1:])
    equal(followed(bed.run(TOOL))[0][3], "verified", "it is used")
    bed.sql("DROP INDEX orders_customer;" + ASKS + FLUSH[1:])
    back = bed.run(TOOL, others_min=0)
    equal(followed(back)[0][3], "changed_by_hand", "somebody did not want it")
    equal(foremost(back)[3], "held_back", "and is not asked once more")


def what_somebody_just_switched_off_is_left_alone(bed):
    queue(bed, "jobs")
    equal(bed.run(TOOL)["result"]["remedies"][0]["cause"], "dead_tuples", "vacuumed")
    bed.sql("ALTER TABLE jobs SET (autovacuum_enabled = off); DELETE FROM jobs WHERE id <= 18000" + FLUSH)
    held = bed.run(TOOL)["result"]["remedies"][0]
    equal((held["cause"], held["status"]), ("autovacuum_off", "held_back"), "switched off in psql since the look before")
    holds("by hand" in held["why"], held["why"])
    held = bed.run(TOOL)["result"]["remedies"][0]
    equal((held["cause"], held["status"]), ("autovacuum_off", "held_back"), "that is remembered")
    asked = bed.run(TOOL, others_min=0, check=None)
    equal(foremost(asked)[:4], ("autovacuum_off", "public.jobs", "medium", "pending_approval"), "a while later")


def a_pause_holds_it_back(bed):
    queue(bed)
    bed.write(LIMITS + PAUSE)
    held = bed.run(TOOL)
    equal(foremost(held)[3:], ("held_back", None), "paused")
    equal((held["changes"], told(held), held["result"]["paused_by"] is None), ([], [], False), "nothing is done or told")


def what_does_not_help_goes_to_a_person(bed):
    bed.sql("CREATE TABLE held (id int); BEGIN; INSERT INTO held VALUES (1); PREPARE TRANSACTION 'in doubt'")
    try:
        queue(bed)
        tried = bed.run(TOOL)
        equal(remedies(tried), [("dead_tuples", "public.queue", "low", "executed", False)], "tried")
        holds(tried["result"]["escalated"] == 1 and ("issue.escalated", "dead_tuples") in told(tried), str(told(tried)))
        done = next(e["payload"]["done"] for e in tried["events"] if e["type"] == "issue.escalated")
        equal(done, "vacuum the table: it did not help, it removed nothing: prepared transaction in doubt holds the rows back",
              "what was done")
        again = bed.run(TOOL)
        why = again["result"]["remedies"][0]["why"]
        equal((why, told(again), again["changes"]), ("it was tried less than 2 h ago", [], []), "twice the pause, told once")
    finally:
        bed.sql("ROLLBACK PREPARED 'in doubt'")


def a_change_of_others_is_left_alone(bed):
    bed.sql("CREATE TABLE orders (id int, customer int); INSERT INTO orders SELECT g, g % 5000 FROM"
            " generate_series(1, 30000) g; CREATE INDEX orders_customer ON orders (customer)")
    bed.sql("VACUUM ANALYZE orders; SET enable_seqscan = off; SELECT count(id) FROM orders WHERE customer = 7" + FLUSH)
    bed.run(TOOL)
    (bed.dir / "m").mkdir()
    (bed.dir / "m" / "V1__drop.sql").write_text("DROP INDEX orders_customer;\n")
    waits = bed.run("apply_schema_migration", dir=str(bed.dir / "m"), check=None)
    bed.approve(waits["approvals"][0]["id"])
    bed.sql("SELECT count(id) FROM orders WHERE customer = 7;" * 12 + FLUSH[1:])
    held = bed.run(TOOL)["result"]["remedies"][0]
    equal((held["cause"], held["status"]), ("dropped_index", "held_back"), "just dropped by somebody")
    holds("apply_schema_migration" in held["why"], held["why"])
    bed.sql("SELECT count(id) FROM orders WHERE customer = 7;" * 12 + FLUSH[1:])
    asked = bed.run(TOOL, others_min=0, check=None)
    equal(foremost(asked)[:4], ("dropped_index", "public.orders_customer", "medium", "pending_approval"), "later")
    bed.approve(asked["approvals"][0]["id"])
    equal(bed.sql("SELECT count(*) FROM pg_index WHERE indexrelid = 'orders_customer'::regclass AND indisvalid"), "1",
          "made again")


def a_slot_is_for_a_person(bed):
    bed.sql("CHECKPOINT; SELECT pg_create_physical_replication_slot('forgotten', true);"
            " SELECT count(pg_logical_emit_message(false, 'x', repeat('x', 1000000))) FROM generate_series(1, 4)")
    try:
        found = bed.run(TOOL)
        equal(remedies(found), [("stuck_slot", "forgotten", "high", "for_a_person", None)], "no remedy of ours")
        equal(told(found), [("issue.escalated", "stuck_slot")], "told")
        equal(bed.sql("SELECT count(*) FROM pg_replication_slots"), "1", "never dropped")
    finally:
        bed.sql("SELECT pg_drop_replication_slot('forgotten')")


def a_branch_that_is_made_again_is_not_held_back(ward):
    """By what was tried on the one that had its name."""
    with Bed(ward, kind="throwaway", more=LIMITS) as bed:
        bed.is_known()
        queue(bed)
        equal(foremost(bed.run(TOOL))[3], "executed", "the old one")
        bed.sql("DELETE FROM queue WHERE id <= 15000" + FLUSH)
        equal(foremost(bed.run(TOOL))[3], "held_back", "it is still the same one")
        bed.is_made_again()
        queue(bed)
        new = bed.run(TOOL)
        equal(remedies(new), [("dead_tuples", "public.queue", "low", "executed", True)], f"the new one: {new}")
        bed.sql("DELETE FROM queue WHERE id <= 15000" + FLUSH)
        equal(foremost(bed.run(TOOL))[3], "held_back", "has a memory of its own")


def a_no_to_a_branch_that_had_its_name_is_none(ward):
    with Bed(ward, more=LIMITS + KEEPS) as bed:
        queue(bed, "jobs", "WITH (autovacuum_enabled = off)")
        plant(bed, "approval_history", [
            {"approval_id": "old", "at": midnight(-2), "status": "denied", "tool": TOOL, "decided_by": "anna", "hash": "h",
             "group_title": "let autovacuum come to public.jobs again"}])
        plant(bed, "branch_lifecycle", [{"event_id": "first", "event_timestamp": midnight(-3), "event_type": "created"}])
        held = bed.run(TOOL)["result"]["remedies"][0]
        equal((held["status"], held["why"]), ("held_back", "anna said no to it"), "of this branch")
        plant(bed, "branch_lifecycle", [{"event_id": "again", "event_timestamp": midnight(-1), "event_type": "created"}])
        equal(foremost(bed.run(TOOL, check=None))[3], "pending_approval", "it was another one, of its name")


def wrong_input_is_refused(bed):
    bed.run(TOOL, check=2, most=0)
    bed.run(TOOL, check=2, min_confidence=0.1)
    equal(remedies(bed.run(TOOL, cause="none")), [], "nothing new is begun")
    contains(bed.run(TOOL, check=2, cause="dead_tuple")["error"]["hint"], "did you mean dead_tuples?")


def stories(version):
    with Ward(version) as ward:
        for story in (low_risks_are_taken, statistics_are_taken_anew, what_the_role_may_not_do_goes_to_a_person, a_session_is_ended_once_a_person_agrees,
                      who_has_gone_by_himself_was_not_ended, who_holds_up_nobody_any_more_is_not_ended, a_no_is_a_no,
                      what_was_approved_is_verified_and_then_left_to_people, what_was_approved_in_vain_is_taken_back,
                      what_a_person_altered_meanwhile_is_not_taken_back, an_index_that_was_made_again_is_followed,
                      one_that_waits_holds_up_nothing_for_long, what_counters_forgot_is_no_help,
                      an_index_that_helps_and_is_dropped_by_hand_stays_so, what_somebody_just_switched_off_is_left_alone,
                      a_pause_holds_it_back, what_does_not_help_goes_to_a_person, a_change_of_others_is_left_alone,
                      a_slot_is_for_a_person, wrong_input_is_refused):
            with Bed(ward, more=LIMITS) as bed:
                try:
                    story(bed)
                except AssertionError as error:
                    raise AssertionError(f"{story.__name__}: {error}") from error
            print(f"    {version}: {story.__name__}", flush=True)
        a_no_to_a_branch_that_had_its_name_is_none(ward)
        on_a_throwaway_branch_it_is_taken_back_at_once(ward)
        on_a_throwaway_branch_an_index_goes_when_a_person_agrees(ward)
        a_branch_that_is_made_again_is_not_held_back(ward)


suite(*on_each(stories))
