"""apply_schema_migration with statements that are executed in batches: each row once, whoever writes beside it, whatever
kills it, and whoever is asked. The database is looked at afterwards."""

import json
import threading

from migrating import FIRST, Migrations, kill, rules
from place import contains, each_version, equal, holds, suite

TABLE = "CREATE TABLE IF NOT EXISTS app.counted (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, " \
        "filler text NOT NULL DEFAULT repeat('x', 200));"
ALLOWED = "-- lbops:allow rows-not-idempotent because the ledger keeps it from coming twice\n"
COUNT = ALLOWED + "-- lbops:batches {}\nUPDATE app.counted SET n = n + 1 WHERE n >= 0;\n"
SPREAD = "SELECT string_agg(format('%s:%s', n, c), ' ' ORDER BY n) FROM (SELECT n, count(*) c FROM app.counted GROUP BY n) s"
KEYS = "SELECT count(*) FROM lbops_migration.batches WHERE number > 0"


def counted(version, rows, kind="throwaway"):
    place = Migrations(version, kind, V1__orders=FIRST + TABLE)
    place.migrate()
    place.sql(f"INSERT INTO app.counted (id) SELECT i FROM generate_series(1, {rows}) i")
    place.until(f"SELECT n_live_tup = {rows} FROM pg_stat_user_tables WHERE relname = 'counted'")
    place.sql("ANALYZE app.counted")
    return place


def of_part(document):
    return [(p["batches"], p["rows"]) for p in document["result"]["parts"] if p["batches"] is not None]


def each_row_comes_once_beside_a_writer(version):
    """Whoever inserts above where it ends has rows of the new kind already; it does not run after them."""
    with counted(version, 20000) as place:
        place.put("V2__count", COUNT.format(1000))
        over = threading.Event()

        def write():
            at = 20000
            while not over.is_set():
                place.sql(f"INSERT INTO app.counted (id, n) SELECT i, -1 FROM generate_series({at + 1}, {at + 100}) i")
                at += 100

        writer = threading.Thread(target=write)
        writer.start()
        try:
            done = place.migrate()
        finally:
            over.set()
            writer.join()
        equal(place.sql("SELECT count(*) FROM app.counted WHERE n = 1 AND id <= 20000"), "20000", "each once")
        equal(place.sql("SELECT count(*) FROM app.counted WHERE n NOT IN (1, -1)"), "0", "none twice")
        (batches, rows), = of_part(done)
        equal(rows, 20000, "rows, as they are told")
        holds(batches >= 3, f"{batches} batches, of 10000 rows at most")
        equal(place.sql(KEYS), str(batches), "each is written down")
        equal(place.sql("SELECT sum(rows) FROM lbops_migration.batches"), "20000", "with its rows")
        equal(place.ledger()[-1], "V2__count.sql|done|1|1", "the ledger")
        holds(place.sql("SELECT last_analyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'counted'") == "t",
              "statistics are fresh")
        equal(rules(done), {"rows-not-idempotent"}, "no hazard of long locks")
        equal(place.migrate()["changes"], [], "nothing is left to do")


def a_kill_in_the_middle_costs_nothing(version):
    with counted(version, 3000) as place:
        place.sql("CREATE FUNCTION app.slow() RETURNS trigger LANGUAGE plpgsql AS "
                  "$$ BEGIN PERFORM pg_sleep(CASE WHEN NEW.id = 2001 THEN 600 ELSE 0 END); RETURN NEW; END $$;"
                  "CREATE TRIGGER slow BEFORE UPDATE ON app.counted FOR EACH ROW EXECUTE FUNCTION app.slow()")
        place.put("V2__count", "COMMENT ON TABLE app.counted IS 'begun';\n" + COUNT.format(100)
                  + "COMMENT ON TABLE app.counted IS 'done';")
        running = place.start()
        place.until("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
        kill(running)
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                  "AND datname = current_database()")
        place.until("SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
        half = int(place.sql("SELECT count(*) FROM app.counted WHERE n = 1"))
        holds(0 < half < 3000, f"{half} rows are done")
        equal(place.sql("SELECT sum(rows) FROM lbops_migration.batches"), str(half), "and no others are written down")
        place.sql("DROP TRIGGER slow ON app.counted")
        place.put("V2__count", "COMMENT ON TABLE app.counted IS 'begun';\n"
                  + COUNT.format(100).replace("n + 1", "n + 2"))
        place.refused("V2__count.sql, line 4, column 1", "was begun with another text", "put the statement back")
        place.put("V2__count", "COMMENT ON TABLE app.counted IS 'begun';\n" + COUNT.format(100)
                  + "COMMENT ON TABLE app.counted IS 'done';")
        done = place.migrate()
        equal(place.sql(SPREAD), "1:3000", "each row once")
        equal(of_part(done)[0][1], 3000, "rows, those of the first run too")
        equal(place.sql("SELECT obj_description('app.counted'::regclass)"), "done", "what came behind it")


def a_key_of_several_columns(version):
    """With quotes, of other types than numbers, with a column that was dropped before it, and a unique index instead of
    a primary key."""
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql('CREATE SCHEMA "My App"; CREATE TABLE "My App"."The ""Table""" (gone int, "where" text NOT NULL, '
                  '"Key 2" timestamptz NOT NULL, m numeric NOT NULL, n int NOT NULL DEFAULT 0, note text);'
                  'ALTER TABLE "My App"."The ""Table""" DROP COLUMN gone;'
                  'CREATE UNIQUE INDEX "U" ON "My App"."The ""Table""" ("where", "Key 2", m) INCLUDE (n);'
                  'INSERT INTO "My App"."The ""Table""" SELECT chr(65 + i % 7) || \'\'\'"\', timestamptz \'2020-01-01 00:00:00.123456Z\' '
                  '+ (i % 11) * interval \'1 day\', i * 1.5 FROM generate_series(1, 1000) i')
        place.put("V2__all", ALLOWED + "-- lbops:batches 7\n"
                  'UPDATE "My App"."The ""Table""" AS t -- where it is\n   SET n = t.n + 1, note = \'WHERE (\' || (SELECT max(1) WHERE true)\n'
                  '/* WHERE */ WHERE t."where" <> \'x\' OR false;')
        done = place.migrate()
        equal(place.sql('SELECT DISTINCT format(\'%s %s\', n, note) FROM "My App"."The ""Table"""'), "1 WHERE (1", "each row once")
        equal(of_part(done)[0][1], 1000, "rows")
        equal(done["result"]["backfills"][0]["key"], "where, Key 2, m", "the key")


def rows_are_deleted_too(version):
    with counted(version, 500) as place:
        place.put("V2__gone", "-- lbops:batches 1\n-- the odd ones\nDELETE FROM app.counted WHERE id % 2 = 1;")
        done = place.migrate()
        equal(place.sql("SELECT count(*), count(*) FILTER (WHERE id % 2 = 1) FROM app.counted"), "250|0", "what is left")
        equal(of_part(done)[0][1], 250, "rows")
        equal(place.sql("SELECT rows, key FROM lbops_migration.batches WHERE number = 1"), "1|{1}", "the first has one row")
        place.sql("TRUNCATE app.counted")
        place.put("V3__none", "-- lbops:batches\nDELETE FROM app.counted WHERE id % 2 = 0;")
        equal(of_part(place.migrate()), [(0, 0)], "of an empty table there is nothing to do")
        equal(place.ledger()[-1], "V3__none.sql|done|1|1", "and that is remembered")


def a_batch_that_takes_too_long_becomes_smaller(version):
    """A row takes a twentieth of a second, so that sixty of them never end within the limit."""
    with counted(version, 60) as place:
        place.sql("CREATE FUNCTION app.slow() RETURNS trigger LANGUAGE plpgsql AS "
                  "$$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;"
                  "CREATE TRIGGER slow BEFORE UPDATE ON app.counted FOR EACH ROW EXECUTE FUNCTION app.slow()")
        place.put("V2__count", COUNT.format(100))
        done = place.migrate(data_timeout_s=1)
        equal(place.sql(SPREAD), "1:60", "each row once")
        part, = [p for p in done["result"]["parts"] if p["batches"] is not None]
        holds(part["tries_in_vain"] >= 1, f"the first ran into the limit: {part}")
        holds(int(place.sql("SELECT max(rows) FROM lbops_migration.batches")) <= 30, "half of it at most was done at once")


def a_locked_row_fails_it_where_it_stands(version):
    with counted(version, 300) as place:
        place.put("V2__count", COUNT.format(100))
        other = place.session()
        other.stdin.write("BEGIN; UPDATE app.counted SET n = n WHERE id = 250 RETURNING 'locked';\n")
        other.stdin.flush()
        equal(other.stdout.readline(), "locked\n", "a row of the last batch")
        place.refused("V2__count.sql: statement 1 (line 3, column 1), batch", lock_timeout_ms=50, lock_tries=2)
        holds(place.sql(SPREAD) != "0:300", "what came before it is done")
        other.communicate("ROLLBACK;\n")
        place.migrate()
        equal(place.sql(SPREAD), "1:300", "each row once")


def the_table_does_not_grow_to_twice_its_size(version):
    """As it does where all rows are updated at once."""
    size = "SELECT pg_relation_size('app.counted')"
    with counted(version, 40000) as place:
        before = int(place.sql(size))
        place.put("V2__count", COUNT.format(1000))
        done = place.migrate()
        after = int(place.sql(size))
        holds(any("VACUUM" in c["statement"] for c in done["changes"]), "it is vacuumed in between")
        holds(after < before * 1.7, f"{before} bytes became {after}")
        place.put("V3__whole", ALLOWED + "UPDATE app.counted SET n = n + 1 WHERE n >= 0;")
        place.sql("VACUUM FULL app.counted")
        whole = int(place.sql(size))
        place.migrate()
        holds(int(place.sql(size)) > whole * 1.9, "at once it does")


SHAPES = (
    ("-- lbops:batches\nINSERT INTO app.orders VALUES (1) ON CONFLICT DO NOTHING;", "above an UPDATE or a DELETE", 1),
    ("SELECT 1;\n\n-- lbops:batches\nUPDATE app.orders o SET total = 1 FROM app.orders p WHERE p.id = o.id;", "without FROM", 3),
    ("-- lbops:batches\nDELETE FROM app.orders USING app.orders p WHERE p.id = 1;", "without USING", 1),
    ("-- lbops:batches\nWITH a AS (SELECT 1) UPDATE app.orders SET total = 1 WHERE id = 1;", "without WITH", 1),
    ("-- lbops:batches\nDELETE FROM app.orders WHERE id = 1 RETURNING id;", "without RETURNING", 1),
    ("-- lbops:batches\nDELETE FROM ONLY app.orders WHERE id = 1;", "without ONLY", 1),
    ("-- lbops:batches\nUPDATE app.orders SET total = 1 WHERE CURRENT OF c;", "CURRENT OF", 1),
    ("-- lbops:batches\nUPDATE app.orders SET total = $1 WHERE id = 1;", "values instead of $1", 1),
    ("-- lbops:batches many\nUPDATE app.orders SET total = 1 WHERE id = 1;", "a number of rows", 1),
    ("-- lbops:batches 10001\nUPDATE app.orders SET total = 1 WHERE id = 1;", "a number of rows", 1),
    ("UPDATE app.orders SET total = 1\n-- lbops:batches\n WHERE id = 1;", "directly above the statement", 2),
    ("SELECT 1;\n-- lbops:batches\n", "directly above the statement", 2),
    ("SELECT 1; -- lbops:batches\nUPDATE app.orders SET total = 1 WHERE id = 1;", "in a line of its own", 1),
)


def what_cannot_be_cut_up_is_refused(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        for text, hint, line in SHAPES:
            place.put("V2__mark", text)
            place.refused(f"V2__mark.sql, line {line}, column", "batches-mark", hint)
        place.put("V2__mark", "SELECT '-- lbops:batches\n';")
        place.migrate()
        place.sql("CREATE TABLE app.keyless (a int UNIQUE, b int); CREATE UNIQUE INDEX ON app.keyless (b) WHERE b > 0;"
                  "CREATE VIEW app.seen AS SELECT * FROM app.orders; CREATE TABLE app.heir () INHERITS (app.keyless)")
        place.put("V3__first", "CREATE TABLE IF NOT EXISTS app.first (id bigint PRIMARY KEY);")
        for table, why in (("app.heir", "has no key"), ("app.seen", "is no plain table"), ("app.keyless", "is no plain table")):
            place.put("V4__mark", f"-- lbops:batches\nDELETE FROM {table} WHERE true AND 1 = 2;")
            place.refused("V4__mark.sql, line 2, column 1", f"{table} {why}")
            place.refused(f"{table} {why}", plan=True)
        place.put("V4__mark", "-- lbops:batches\nUPDATE app.orders SET id = id + 1 WHERE id > 0;")
        place.refused("is cut up by what the statement changes")
        equal(place.exists("app.first"), False, "nothing was done before it")
        place.sql("INSERT INTO app.heir (a) SELECT generate_series(1, 10)")
        place.put("V4__mark", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS heir_a ON app.heir (a);\n"
                  "-- lbops:batches\nUPDATE app.heir SET b = 1 WHERE b IS NULL;")
        place.sql("ALTER TABLE app.heir ALTER a SET NOT NULL")
        place.migrate()
        equal(place.sql("SELECT sum(b) FROM app.heir"), "10", "a key that comes before it counts")


def a_plan_says_what_there_is_to_do(version):
    with counted(version, 5000) as place:
        place.put("V2__count", COUNT.format(500))
        told, = place.migrate(plan=True)["result"]["backfills"]
        equal([told["table"], told["key"], told["rows_of_the_table"], told["batches_left_about"]],
              ["app.counted", "id", 5000, 10], "what a plan tells")
        equal(place.sql(SPREAD), "0:5000", "and nothing is done")
        equal(place.sql("SELECT to_regclass('lbops_migration.batches') IS NULL"), "t", "at all")


def where_a_person_is_asked_it_is_asked_once(version):
    with counted(version, 900, kind="production") as place:
        place.put("V2__count", COUNT.format(200))
        equal(place.migrate(check=3)["status"], "pending_approval", "changes of rows ask")
        asked, = place.approvals()
        place.sql("INSERT INTO app.counted (id, n) VALUES (0, -1), (901, -1)")
        equal(place.migrate(check=3)["status"], "pending_approval", "it waits")
        equal(len(place.approvals()), 1, "asked once")
        equal(place.sql(SPREAD), "-1:2 0:900", "nothing is done before")
        place.approve(asked["id"])
        equal(place.sql(SPREAD), "-1:2 1:900", "each row once")
        equal(place.sql(KEYS), "5", "in batches of that many rows")
        equal(place.ledger()[-1], "V2__count.sql|done|1|1", "and it is done")
        equal(place.migrate()["status"], "ok", "nothing is left to do")


def what_an_approval_left_is_asked_for_again(version):
    with counted(version, 900, kind="production") as place:
        place.put("V2__count", COUNT.format(200))
        place.migrate(check=3, lock_timeout_ms=50)
        asked, = place.approvals()
        other = place.session()
        other.stdin.write("BEGIN; UPDATE app.counted SET n = n WHERE id = 500 RETURNING 'locked';\n")
        other.stdin.flush()
        equal(other.stdout.readline(), "locked\n", "a row of the third batch")
        place.approve(asked["id"], check=1)
        equal(place.sql(SPREAD), "0:500 1:400", "what came before it is done")
        other.communicate("ROLLBACK;\n")
        equal(place.migrate(check=3)["status"], "pending_approval", "the rest asks again")
        rest, = [a for a in place.approvals() if a["id"] != asked["id"]]
        place.approve(rest["id"])
        equal(place.sql(SPREAD), "1:900", "each row once")
        equal(place.sql(KEYS), "5", "where it was planned")


def rows_that_are_deleted_in_batches_are_decided_on_like_others(version):
    """A person is shown what would go, and what is carried out is held to that."""
    gone = "DELETE FROM app.counted WHERE id % 2 = 1;"
    with counted(version, 900, kind="production") as place:
        place.put("V2__gone", gone)
        at_once = place.migrate(check=3, keep_before="never")["changes"]
        place.cli("deny", pending(place)[0]["id"], "--as", "anna", "--because", "in batches rather", check=0)
        place.put("V2__gone", "-- lbops:batches 200\n" + gone)
        asked = place.migrate(check=3, keep_before="never")["changes"]
        equal([{c["effect"] for c in changes if "DELETE FROM app.counted" in c["statement"]} for changes in (at_once, asked)],
              [{"destructive"}] * 2, "it destroys, in batches too")
        first, = pending(place)
        contains(json.dumps(first), "app.counted: at least 100 rows")
        place.sql("INSERT INTO app.counted (id) SELECT -i FROM generate_series(1, 10000) i")
        contains(place.approve(first["id"], check=1).stdout, "what would be lost is not what was decided on",
                 "it was: app.counted: at least 100 rows; it is now: app.counted: at least 10000 rows")
        equal(place.sql("SELECT count(*) FROM app.counted"), "10900", "nothing was done")
        place.migrate(check=3, keep_before="never")
        anew, = pending(place)
        contains(json.dumps(anew), "app.counted: at least 10000 rows")
        place.approve(anew["id"])
        equal(place.sql("SELECT count(*) FROM app.counted WHERE id % 2 = 1"), "0", "as it was decided")
        place.migrate()


def pending(place):
    return [a for a in place.approvals() if a["status"] == "pending"]


def what_is_too_long_for_a_request_has_several(version):
    with counted(version, 700, kind="production") as place:
        place.put("V2__count", COUNT.format(1))
        done, requests = place.migrate(check=3), 0
        while done["status"] == "pending_approval":
            request, = pending(place)
            before = int(place.sql("SELECT count(*) FROM app.counted WHERE n = 1"))
            holds(before < 700, "none is asked for nothing")
            place.approve(request["id"])
            holds(int(place.sql("SELECT count(*) FROM app.counted WHERE n = 1")) > before, "each carries out its part")
            requests += 1
            done = place.migrate(check=None)
        equal([done["status"], place.sql(SPREAD)], ["ok", "1:700"], "each row once")
        equal(place.sql(KEYS), "700", "batches")
        holds(2 <= requests <= 4, f"{requests} requests")
        equal(place.ledger()[-1], "V2__count.sql|done|1|1", "and it is done")


def who_keeps_a_vacuum_from_it_is_named(version):
    with counted(version, 20000) as place:
        other = place.session()
        other.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_backend_pid();\n")
        other.stdin.flush()
        pid = int(other.stdout.readline())
        place.put("V2__count", COUNT.format(1000))
        found = [f for f in place.migrate()["result"]["findings"] if f["kind"] == "vacuum-held-back"]
        equal([(f["evidence"]["pid"], f["evidence"]["state"], f["evidence"]["table"]) for f in found],
              [(pid, "idle in transaction", "app.counted")], "named, once")
        holds(found[0]["evidence"]["seconds"] > 0 and str(pid) in found[0]["object"], f"and how old it is: {found[0]}")
        other.communicate("ROLLBACK;\n")
        place.put("V3__count", COUNT.format(1000))
        equal([f for f in place.migrate()["result"]["findings"] if f["kind"] == "vacuum-held-back"], [], "nobody does any more")
        equal(place.sql(SPREAD), "2:20000", "each row twice")


suite(*each_version(each_row_comes_once_beside_a_writer, a_kill_in_the_middle_costs_nothing, a_key_of_several_columns,
                    rows_are_deleted_too, a_batch_that_takes_too_long_becomes_smaller,
                    a_locked_row_fails_it_where_it_stands, the_table_does_not_grow_to_twice_its_size,
                    what_cannot_be_cut_up_is_refused, a_plan_says_what_there_is_to_do,
                    where_a_person_is_asked_it_is_asked_once, what_an_approval_left_is_asked_for_again,
                    rows_that_are_deleted_in_batches_are_decided_on_like_others,
                    what_is_too_long_for_a_request_has_several, who_keeps_a_vacuum_from_it_is_named))
