"""What a performance tool asks for holds for the objects as they were when it asked: whoever changes them meanwhile makes
the request void. It waits again with what has moved, and nothing was done; where nothing has moved it is carried out."""

import json

from place import Given, contains, each_version, equal, holds, suite
from upkeep import plant

ASKS = """
[[gate]]
decision = "ask"
effect = "additive"
reason = "people want to see each index before it is built"
[[gate]]
tool = "tune_autovacuum_parameters"
decision = "ask"
reason = "people want to see settings before they hold"
"""
LIMITS = {"min_minutes": 0, "days": 0, "min_reads": 0, "min_table_bytes": 0,
          "min_unused_bytes": 0, "min_bloat_bytes": 0, "min_confidence": 0, "apply": True}
SHOP = """
CREATE TABLE people (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, person int REFERENCES people, code text, day date);
INSERT INTO people SELECT generate_series(1, 2000);
INSERT INTO orders SELECT i, i % 2000 + 1, 'c' || i, '2026-01-01' FROM generate_series(1, 20000) i;
CREATE INDEX by_code ON orders (code); CREATE INDEX by_code_too ON orders (code);
ANALYZE people; ANALYZE orders;
"""


def ask(place, tool, **params):
    """The one request of a run."""
    place.run(tool, check=3, **params)
    (request,) = [a for a in place.approvals() if a["status"] == "pending"]
    return request["id"]


def void(place, request, world, part, moved):
    """Approved after something has moved: nothing is done, and the reason is what moved. Then people agree anew."""
    moved(place)
    there = world(place)
    document = json.loads(place.approve(request, check=3).stdout)
    holds(document["result"]["moved"] and not document["result"]["executed"], f"{part}: {document['result']}")
    holds(part in {d["part"] for d in document["result"]["difference"]}, f"{part}: {document['result']['difference']}")
    equal(world(place), there, f"the world when {part} had moved")
    (waits,) = [a for a in place.approvals() if a["id"] == request]
    equal(waits["status"], "pending", "it is asked for anew")
    contains(json.dumps(waits), part)
    equal([a["statement"] for a in place.waiting("audit_log")], [], "what was begun")


def carried_out(place, request, world):
    before = world(place)
    document = json.loads(place.approve(request).stdout)
    equal((document["result"]["moved"], document["result"]["executed"]), (False, True), "nothing had moved")
    holds(world(place) != before, f"it was carried out: {before}")


def indexes(place):
    return place.sql("SELECT indexname FROM pg_indexes WHERE tablename = 'orders' ORDER BY 1")


def index_request(place, kind, object_name):
    wanted = json.dumps([{"kind": kind, "object": object_name}])
    return ask(place, "generate_index_recommendation", analysis_results=wanted, **LIMITS)


def a_build(version):
    """Somebody builds the same index by hand; somebody takes the column for something else."""
    with Given(version, more=ASKS) as place:
        place.sql(SHOP)
        request = index_request(place, "missing_fk_index", "public.orders")
        (shown,) = place.approvals()
        void(place, request, indexes, "indexes", lambda p: p.sql("CREATE INDEX by_hand ON orders (person)"))
        place.sql("DROP INDEX by_hand")
        void(place, request, indexes, "columns", lambda p: p.sql("ALTER TABLE orders ALTER person TYPE bigint"))
        carried_out(place, request, indexes)
        its_figures_and_undo_hold(place, shown)


def its_figures_and_undo_hold(place, shown):
    figures = shown["evidence"]["not_compared"]["figures"]
    size = int(place.sql("SELECT pg_relation_size('orders_person_idx')"))
    contains(figures["size_by"], "statistics, at most")
    holds(0.9 * size <= figures["bytes_added"] <= 10 * size, f"it takes {size} bytes: {figures}")
    equal(figures["rows_read_per_delete"], 20_000, "what it gains")
    equal([figures[name] for name in ("statements", "calls", "mean_ms", "is_proven")], [None] * 4, "what is not known")
    holds("index_writes_per_hour" in figures, f"what it costs: {figures}")
    place.psql("-c", shown["undo"])
    equal(indexes(place), "by_code\nby_code_too\norders_pkey", "once it is taken back as the request says")


def a_drop(version):
    """The twin for whose sake an index may go is gone itself."""
    with Given(version, more=ASKS) as place:
        place.sql(SHOP)
        request = index_request(place, "duplicate_index", "public.by_code_too")
        void(place, request, indexes, "indexes", lambda p: p.sql("DROP INDEX by_code"))
        place.sql("CREATE INDEX by_code ON orders (code)")
        void(place, request, indexes, "columns", lambda p: p.sql("ALTER TABLE orders ALTER code SET NOT NULL"))
        carried_out(place, request, indexes)


def a_drop_beside_a_build(version):
    """A run that asks for a drop and builds another index of the same table has not made its own request void."""
    with Given(version) as place:
        place.sql(SHOP)
        document = place.run("generate_index_recommendation", check=3, **LIMITS)
        built = [r["index"] for r in document["result"]["recommendations"] if r["status"] == "executed"]
        holds(built and built[0] in indexes(place), f"built: {document['result']['recommendations']}")
        (request,) = [a for a in place.approvals() if a["status"] == "pending"]
        carried_out(place, request["id"], indexes)


def index_node(place):
    return place.sql("SELECT pg_relation_filenode('by_code'::regclass)")


def a_rebuild(version):
    """The bloated index is made otherwise meanwhile; its table gets another rule."""
    with Given(version, more=ASKS) as place:
        place.sql(SHOP + "DELETE FROM orders WHERE id % 20 <> 0; VACUUM ANALYZE orders")
        request = index_request(place, "bloated_index", "public.by_code")
        (waits,) = [a for a in place.approvals() if a["id"] == request]
        contains(json.dumps(waits), "REINDEX INDEX CONCURRENTLY public.by_code")
        void(place, request, index_node, "options", lambda p: p.sql("ALTER INDEX by_code SET (fillfactor = 70)"))
        void(place, request, index_node, "constraints", lambda p: p.sql("ALTER TABLE orders ADD CHECK (id > 0)"))
        before = place.sql("SELECT pg_relation_size('by_code')")
        carried_out(place, request, index_node)
        after = place.sql("SELECT pg_relation_size('by_code')")
        holds(int(after) * 4 < int(before), f"it is smaller: {after} of {before} bytes")
        equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_code'::regclass"), "t", "it is valid")


def node(place):
    return place.sql("SELECT pg_relation_filenode('t'::regclass)")


def a_rewrite(version):
    with Given(version) as place:
        plant(place, "t", rows=20_000, dead=15_000)
        place.sql("ANALYZE t")
        request = ask(place, "schedule_vacuum_full", table="t")
        void(place, request, node, "options", lambda p: p.sql("ALTER TABLE t SET (fillfactor = 50)"))
        void(place, request, node, "columns", lambda p: p.sql("ALTER TABLE t ADD more int"))
        carried_out(place, request, node)


def options(place):
    return place.sql("SELECT coalesce(array_to_string(reloptions, ' '), '') FROM pg_class WHERE relname = 't'")


def settings_of_a_table(version):
    with Given(version, more=ASKS) as place:
        place.sql("CREATE TABLE t (id int, n int) WITH (autovacuum_vacuum_scale_factor=1); INSERT INTO t SELECT g, 0"
                  " FROM generate_series(1, 50000) g; ANALYZE t")
        place.sql("UPDATE t SET n = 1 WHERE id <= 10000")
        request = ask(place, "tune_autovacuum_parameters", min_hours=0, most_runs_per_hour=1e9)
        void(place, request, options, "options", lambda p: p.sql("ALTER TABLE t SET (autovacuum_vacuum_scale_factor=0.5)"))
        carried_out(place, request, options)


def of_database(place):
    return place.sql("SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
                     " WHERE d.datname = current_database() AND s.setrole = 0 ORDER BY 1")


def of_role(place):
    return place.sql(f"SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = '{place.database}_r'::regrole")


def resource_parameters(version):
    run = {"min_hours": 0, "memory_mb": 16_000}
    with Given(version) as place:
        place.run("auto_tune_resource_parameters", check=3, **run)
        first = [a["id"] for a in place.approvals() if "maintenance_work_mem" in str(a["plan"])][0]
        void(place, first, of_database, "settings",
             lambda p: p.sql(f"ALTER DATABASE {p.database} SET maintenance_work_mem = '20MB'"))
        carried_out(place, first, of_database)


def resource_parameters_of_a_role(version):
    run = {"min_hours": 0, "memory_mb": 16_000}
    with Given(version) as place:
        role = place.database + "_r"
        place.sql(f"CREATE ROLE {role}")
        try:
            place.run("auto_tune_resource_parameters", check=3, role=role, **run)
            first = [a["id"] for a in place.approvals() if "maintenance_work_mem" in str(a["plan"])][0]
            void(place, first, of_role, "settings in databases",
                 lambda p: p.sql(f"ALTER ROLE {role} IN DATABASE {p.database} SET maintenance_work_mem = '20MB'"))
            carried_out(place, first, of_role)
        finally:
            place.sql(f"DROP ROLE {role}")


def one_after_another(place, world, **run):
    """Each setting is decided on by itself: that another one was approved before makes nobody's request void."""
    place.run("auto_tune_resource_parameters", check=3, min_hours=0, memory_mb=16_000, **run)
    asked = [a["id"] for a in place.approvals()
             if a["status"] == "pending" and "ALTER SYSTEM" not in json.dumps(a)]  # the server's are everybody's
    holds(len(asked) >= 3, f"several settings are asked for: {asked}")
    for done, request in enumerate(asked, 1):
        carried_out(place, request, world)
        equal(len(world(place).splitlines()), done, f"settings of {done} requests")
    equal({a["status"] for a in place.approvals() if a["id"] in asked} & {"pending"}, set(), "what still waits")


def several_settings(version):
    with Given(version) as place:
        one_after_another(place, of_database)


def several_settings_of_a_role(version):
    with Given(version) as place:
        role = place.database + "_r"
        place.sql(f"CREATE ROLE {role}")
        try:
            one_after_another(place, of_role, role=role)
        finally:
            place.sql(f"DROP ROLE {role}")


suite(*each_version(a_build, a_drop, a_drop_beside_a_build, a_rebuild, a_rewrite, settings_of_a_table,
                     resource_parameters, resource_parameters_of_a_role, several_settings, several_settings_of_a_role),
      at_once=3)
